import { markOf, type Tone } from "../text/words.ts"
import { Glyph } from "./Glyph.tsx"

/** A state: shape, colour and word say the same. */
export const Pill = ({ tone, word }: { readonly tone: Tone; readonly word: string }) => (
  <span class={`pill tone-${tone}`}>
    <Glyph mark={markOf[tone]} />
    {word}
  </span>
)
