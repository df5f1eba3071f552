import type { Tone } from "../text/words.ts"

interface MeterProps {
  /** 0 to 1. */
  readonly part: number
  readonly tone?: Tone
  /** What the rest of the bar is. */
  readonly rest?: Tone | "none"
  readonly height?: number
  /** For those who do not see it, where no text beside it says the same. */
  readonly label?: string
}

const width = 1000

/** A bar as broad as there is room, a part of which is filled. */
export const Meter = ({ part, tone = "flow", rest = "none", height = 10, label }: MeterProps) => (
  <svg
    class="meter"
    width="100%"
    height={height}
    viewBox={`0 0 ${width} ${height}`}
    preserveAspectRatio="none"
    role={label ? "img" : undefined}
    aria-label={label}
    aria-hidden={label ? undefined : "true"}
  >
    <rect class={`bar tone-${rest}`} width={width} height={height} />
    <rect class={`bar tone-${tone}`} width={width * Math.min(part, 1)} height={height} />
  </svg>
)
