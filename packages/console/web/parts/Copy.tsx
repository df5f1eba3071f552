import { useState } from "preact/hooks"
import { shown } from "../text/escape.ts"
import { IconButton } from "./Button.tsx"
import { copyText } from "./copyText.ts"

interface CopyProps {
  readonly text: string
  readonly label?: string
}

/** How long the tick stands in place of the icon, in ms. */
const tickedFor = 1_200

export const Copy = ({ text, label = "Copy" }: CopyProps) => {
  const [isDone, done] = useState(false)
  const copy = async () => {
    if (!(await copyText(text))) return
    done(true)
    setTimeout(() => done(false), tickedFor)
  }
  return <IconButton label={label} icon={isDone ? "done" : "copy"} onClick={() => void copy()} />
}

/** An id, or something else that is looked at character by character, with a button to copy it. */
export const Mono = ({ text, copy = true }: { readonly text: string; readonly copy?: boolean }) => (
  <span class="mono-copy">
    <code>{shown(text)}</code>
    {copy && <Copy text={text} label={`Copy ${shown(text)}`} />}
  </span>
)

/** Lines to paste somewhere. */
export const Code = ({ text }: { readonly text: string }) => (
  <div class="code">
    <pre tabIndex={0}>
      <code>{text}</code>
    </pre>
    <Copy text={text} label="Copy the code" />
  </div>
)
