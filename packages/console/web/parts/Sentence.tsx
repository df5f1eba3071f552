import { shown } from "../text/escape.ts"
import type { Said } from "../text/said.ts"
import { Time } from "./Time.tsx"

/** A sentence that a plain function has made: its quotes are code, its times are times. */
export const Sentence = ({ said }: { readonly said: Said }) => (
  <>
    {said.map((word, at) => {
      if (typeof word === "string") return word
      if ("code" in word) return <code key={at}>{shown(word.code)}</code>
      if ("strong" in word) return <b key={at}>{word.strong}</b>
      if ("href" in word)
        return (
          <a key={at} href={word.href}>
            {word.text}
          </a>
        )
      return <Time key={at} at={word.at} text={word.text} />
    })}
  </>
)
