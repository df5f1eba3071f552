import { now } from "../state/clock.ts"
import { plural } from "../text/numbers.ts"
import { clock } from "../text/times.ts"
import { useWidth } from "./useWidth.ts"

interface RailProps {
  /** When the batch at the head was tried, oldest first; all of them have failed. */
  readonly tries: ReadonlyArray<number>
  readonly nextAt: number | null
}

const y = 30
const height = 62

/** Tries of one batch to scale (by square root, or the first would be one), now, and the next. */
export const Rail = ({ tries, nextAt }: RailProps) => {
  const [box, width] = useWidth<HTMLDivElement>()
  const first = tries[0]
  const at = now.value
  const draw = (first: number) => {
    const root = (time: number) => Math.sqrt(Math.max(time - first, 0))
    const end = Math.max(root(nextAt ?? at), root(at)) * 1.015 || 1
    const x = (time: number) => 10 + (root(time) / end) * (width - 34)
    const nextLabel = nextAt === null ? width : x(nextAt) - 46
    // Labels stand where there is room, the oldest first.
    let free = 0
    const labels = tries.flatMap((time) => {
      const begin = Math.max(x(time) - 22, 2)
      if (begin < free || begin + 48 >= nextLabel) return []
      free = begin + 58
      return [{ time, begin }]
    })
    return (
      <svg
        class="rail"
        width={width}
        height={height}
        role="img"
        aria-label={`${plural(tries.length, "attempt")} since ${clock(first)}, all failed${
          nextAt === null ? "" : `; the next one is at ${clock(nextAt)}`
        }`}
      >
        <line class="rail-past" x1={x(first)} x2={x(at)} y1={y} y2={y} />
        {nextAt !== null && <line class="rail-ahead" x1={x(at)} x2={x(nextAt)} y1={y} y2={y} />}
        {tries.map((time) => (
          <path key={time} class="rail-fail" d={`M${x(time) - 4} ${y - 4}l8 8m0-8l-8 8`} />
        ))}
        {labels.map(({ time, begin }) => (
          <text key={time} class="tick" x={begin} y={y + 24}>
            {clock(time)}
          </text>
        ))}
        <line class="rail-now" x1={x(at)} x2={x(at)} y1={y - 14} y2={y + 10} />
        <text class="rail-label" x={x(at) + 4} y={y - 12}>
          now
        </text>
        {nextAt !== null && (
          <>
            <circle class="rail-next" cx={x(nextAt)} cy={y} r={5.5} />
            <text class="rail-label" x={x(nextAt) + 6} y={y + 24} text-anchor="end">
              {clock(nextAt)}
            </text>
          </>
        )}
      </svg>
    )
  }
  return (
    <div ref={box} class="rail-box" style={{ minHeight: `${height}px` }}>
      {width > 0 && first !== undefined && draw(first)}
    </div>
  )
}
