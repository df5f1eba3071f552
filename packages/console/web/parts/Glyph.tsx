import type { Mark } from "../text/words.ts"

/** The shape of a state: disc, ring, dash, cross. The word stands beside it. */
export const Glyph = ({ mark }: { readonly mark: Mark }) => (
  <svg class={`glyph is-${mark}`} viewBox="0 0 14 14" width={14} height={14} aria-hidden="true">
    {mark === "delivered" && <circle cx={7} cy={7} r={4} />}
    {mark === "waiting" && <circle cx={7} cy={7} r={3.4} />}
    {mark === "filtered" && <path d="M3.5 7h7" />}
    {mark === "dead" && <path d="M4 4l6 6M10 4l-6 6" />}
  </svg>
)
