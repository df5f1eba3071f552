import type { Tone } from "../text/words.ts"

interface SparkProps {
  readonly values: ReadonlyArray<number>
  readonly width?: number
  readonly height?: number
  readonly tone?: Tone
  readonly bars?: boolean
}

/** A line without axes. It says nothing by itself: the number beside it does. */
export const Spark = ({ values, width = 72, height = 20, tone = "flow", bars = false }: SparkProps) => {
  const max = Math.max(...values, 1e-9)
  const step = width / values.length
  const line = () =>
    values
      .map((v, at) => {
        const y = height - 2 - (v / max) * (height - 4)
        return `${at === 0 ? "M" : "L"}${(at * step + step / 2).toFixed(1)} ${y.toFixed(1)}`
      })
      .join("")
  const columns = () =>
    values
      .map((v, at) => {
        const tall = Math.max((v / max) * height, 1)
        return `M${(at * step).toFixed(1)} ${height}v-${tall.toFixed(1)}h${(step - 1).toFixed(1)}V${height}z`
      })
      .join("")
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {bars ? (
        <path class={`bar tone-${tone}`} d={columns()} />
      ) : (
        <path class={`line tone-${tone}`} d={line()} />
      )}
    </svg>
  )
}

interface DayStripProps {
  readonly ok: ReadonlyArray<number>
  readonly failed: ReadonlyArray<number>
  readonly label: string
}

/** The last day of a destination in bars: what was sent, and when nothing but failures was. */
export const DayStrip = ({ ok, failed, label }: DayStripProps) => {
  const max = Math.max(...ok, 1)
  const x = (at: number) => at * 2
  return (
    <svg
      class="strip"
      width={168}
      height={28}
      viewBox={`0 0 ${ok.length * 2} 28`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {ok.map((sent, at) => {
        const tall = 20 * Math.sqrt(sent / max)
        return (
          <>
            {sent > 0 ? (
              <rect class="bar tone-flow" x={x(at)} width={1.4} y={26 - tall} height={tall} />
            ) : (
              <rect class="bar tone-skip" x={x(at)} width={1.4} y={25} height={1} />
            )}
            {sent === 0 && (failed[at] ?? 0) > 0 && (
              <rect class="bar tone-dead" x={x(at)} width={1.4} y={8} height={18} />
            )}
          </>
        )
      })}
    </svg>
  )
}

interface LedgerBarProps {
  readonly row: Readonly<Record<"due" | "delivered" | "filtered" | "dead" | "trimmed" | "pending", number>>
  readonly width?: number
}

const ledgerParts = [
  ["delivered", "flow"],
  ["filtered", "skip"],
  ["dead", "dead"],
  ["trimmed", "dead"],
  ["pending", "wait"],
] as const

/** Pixels of a part that is there but too little to be seen. */
const least = 3

/** Where all events of a destination are. */
export const LedgerBar = ({ row, width = 150 }: LedgerBarProps) => {
  const there = ledgerParts.filter(([part]) => row[part] > 0)
  const rest = width - there.length * least
  let x = 0
  return (
    <svg class="ledger-bar" width={width} height={10} viewBox={`0 0 ${width} 10`} aria-hidden="true">
      {there.map(([part, tone]) => {
        const broad = least + (row[part] / Math.max(row.due, 1)) * rest
        const at = x
        x += broad
        return (
          <rect
            key={part}
            class={`bar tone-${tone}`}
            x={at}
            y={0}
            width={Math.max(broad - 1, 1.5)}
            height={10}
          />
        )
      })}
    </svg>
  )
}
