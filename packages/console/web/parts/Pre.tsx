import type { ComponentChildren } from "preact"
import { shown } from "../text/escape.ts"
import { Json } from "./Json.tsx"

/** Control characters are shown, but for the ends of lines, which are what they are. */
export const lines = (text: string): string => text.split(/\r?\n/).map(shown).join("\n")

interface PreProps {
  readonly label: string
  readonly class?: string
  readonly children: ComponentChildren
}

/** Text as it was sent; it scrolls by itself. */
export const Pre = ({ label, class: kind = "http", children }: PreProps) => (
  <pre class={kind} tabIndex={0} role="region" aria-label={label}>
    {children}
  </pre>
)

interface PayloadProps {
  readonly text: string
  readonly label: string
}

/** JSON as what it is; any other text, and what was cut, as text. */
export const Payload = ({ text, label }: PayloadProps) => {
  try {
    return <Json value={JSON.parse(text)} label={label} />
  } catch {
    return <Pre label={label}>{lines(text)}</Pre>
  }
}
