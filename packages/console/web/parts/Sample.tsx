import { useEffect, useState } from "preact/hooks"
import { sectionsOf } from "../logic/sections.ts"
import { Code } from "./Copy.tsx"

interface SampleProps {
  /** Where the text is, with a section for each language: it is no code of the page. */
  readonly url: string
  readonly name: string
  /** What stands in the place of `BASE`. */
  readonly base?: string
}

/** Code to paste elsewhere, loaded when somebody looks at it. */
export const Sample = ({ url, name, base = "" }: SampleProps) => {
  const [text, show] = useState("")
  useEffect(() => {
    fetch(url)
      .then((response) => response.text())
      .then(show, () => show(`== ${name}\nThis could not be loaded.`))
  }, [url])
  return <Code text={(sectionsOf(text)[name] ?? "").replaceAll("BASE", base)} />
}
