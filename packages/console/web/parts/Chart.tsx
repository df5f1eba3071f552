import { useState } from "preact/hooks"
import { type Signal, useSignal } from "../state/signals.ts"
import { short } from "../text/numbers.ts"
import { day, minute } from "../text/times.ts"
import type { Tone } from "../text/words.ts"
import { barPath, foot, gutter, headroom, linePath, niceMax, timeTicks } from "./chart.ts"
import { useId } from "./useId.ts"
import { useWidth } from "./useWidth.ts"

export interface Series {
  readonly name: string
  readonly tone: Tone
  /** Bars stack in their order; a ghost is what it is compared with. */
  readonly kind: "bar" | "line" | "area" | "ghost"
  readonly values: ReadonlyArray<number | null>
}

export interface ChartProps {
  readonly title: string
  /** The question on call that it answers. */
  readonly question: string
  readonly t: ReadonlyArray<number>
  readonly step: number
  readonly series: ReadonlyArray<Series>
  readonly format?: (value: number) => string
  readonly unit?: string
  readonly height?: number
  /** Shared by charts whose cursors move together: cause and effect stand under each other. */
  readonly cursor?: Signal<number | null>
  /** What happened at a time. */
  readonly marks?: ReadonlyArray<{ readonly t: number; readonly text: string }>
  /** What lies before it is hatched: nothing is known of it, since this server started then. */
  readonly startedAt?: number
}

const byKey: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
}

const dayLength = 24 * 60 * 60 * 1000

interface PlotProps extends Omit<ChartProps, "title" | "question" | "unit"> {
  readonly width: number
  readonly height: number
  readonly format: (value: number) => string
}

const Plot = ({ t, step, series, format, width, height, marks = [], startedAt }: PlotProps) => {
  const hatch = useId()
  const bottom = height - foot
  const stacks = t.map((_, at) =>
    series.reduce((sum, one) => sum + (one.kind === "bar" ? (one.values[at] ?? 0) : 0), 0),
  )
  const others = series.flatMap((one) => (one.kind === "bar" ? [] : one.values.map((value) => value ?? 0)))
  const max = niceMax(Math.max(...stacks, ...others))
  const slot = (width - gutter - 1) / t.length
  const x = (at: number) => gutter + at * slot
  const centre = (at: number) => x(at) + slot / 2
  const y = (value: number) => headroom + (bottom - headroom) * (1 - value / max)
  const base = t.map(() => 0)
  const atTime = (time: number) => gutter + ((time - t[0]!) / (t.length * step)) * (width - gutter)
  const unknown = startedAt === undefined ? 0 : Math.min(atTime(startedAt) - gutter, width - gutter)
  return (
    <svg class="chart" width={width} height={height} aria-hidden="true">
      {[0, 0.5, 1].map((part) => {
        const at = Math.round(headroom + (bottom - headroom) * (1 - part)) + 0.5
        return (
          <>
            <line class="grid" x1={gutter} x2={width} y1={at} y2={at} />
            <text class="tick" x={gutter - 6} y={at + 3.5} text-anchor="end">
              {format(max * part)}
            </text>
          </>
        )
      })}
      {timeTicks(t, step).map(({ index, text }) =>
        x(index) > gutter && x(index) < width - 30 ? (
          <text key={index} class="tick" x={x(index)} y={height - 4}>
            {text}
          </text>
        ) : null,
      )}
      {unknown > 1 && (
        <>
          <pattern
            id={hatch}
            width={6}
            height={6}
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <line class="hatch" x1={0} x2={0} y1={0} y2={6} />
          </pattern>
          <rect x={gutter} y={headroom} width={unknown} height={bottom - headroom} fill={`url(#${hatch})`} />
          {unknown > 150 && (
            <text class="tick" x={gutter + 6} y={headroom + 12}>
              since {minute(startedAt!)}, when this server started
            </text>
          )}
        </>
      )}
      {series.map((one) => {
        if (one.kind === "bar")
          return (
            <path
              key={one.name}
              class={`bar tone-${one.tone}`}
              d={barPath(one.values, base, x, y, Math.max(slot - 1, 1))}
            />
          )
        const d = linePath(one.values, centre, y)
        const last = centre(t.length - 1).toFixed(1)
        return (
          <>
            {one.kind === "area" && d !== "" && (
              <path
                class={`area tone-${one.tone}`}
                d={`${d}L${last} ${bottom}L${d.slice(1).split(/[ L]/)[0]} ${bottom}z`}
              />
            )}
            <path class={`line is-${one.kind} tone-${one.tone}`} d={d} />
          </>
        )
      })}
      {marks.map((mark) => {
        const at = atTime(mark.t)
        if (at < gutter || at > width) return null
        const isLate = at > width * 0.7
        return (
          <>
            <line class="happened" x1={at} x2={at} y1={headroom} y2={bottom} />
            <text
              class="happened-text"
              x={at + (isLate ? -5 : 5)}
              y={headroom + 9}
              text-anchor={isLate ? "end" : "start"}
            >
              {mark.text}
            </text>
          </>
        )
      })}
    </svg>
  )
}

/** Draws at most some hundred points; reads its values by arrow keys, and shows them as a table. */
export const Chart = ({
  title,
  question,
  unit = "",
  cursor,
  format = short,
  height = 128,
  ...data
}: ChartProps) => {
  const { t, step, series } = data
  const [box, width] = useWidth<HTMLDivElement>()
  const own = useSignal<number | null>(null)
  const [spoken, speak] = useState("")
  const [isTable, setTable] = useState(false)
  const at = cursor ?? own
  const index = at.value
  const clamp = (to: number) => Math.min(Math.max(to, 0), t.length - 1)
  const valueAt = (one: Series, at: number) => {
    const value = one.values[at]
    return value === null || value === undefined ? "–" : `${format(value)}${unit}`
  }
  const timeAt = (at: number) => `${t.length * step > dayLength ? `${day(t[at]!)} ` : ""}${minute(t[at]!)}`
  const slot = (width - gutter - 1) / t.length
  const cursorX = index === null ? 0 : gutter + (index + 0.5) * slot
  const read = (event: KeyboardEvent) => {
    const by = byKey[event.key]
    if (by === undefined) return
    event.preventDefault()
    const to = clamp((index ?? t.length) + by)
    at.value = to
    speak(`${timeAt(to)}: ${series.map((one) => `${one.name} ${valueAt(one, to)}`).join(", ")}`)
  }
  // The running bucket may be too young to say anything.
  const latest = t.findLastIndex((_, at) =>
    series.some(({ kind, values }) => kind !== "ghost" && typeof values[at] === "number"),
  )
  const shownAt = index ?? (latest < 0 ? t.length - 1 : latest)
  return (
    <figure class="figure">
      <figcaption>
        <h3>{title}</h3>
        <p class="question">{question}</p>
      </figcaption>
      <div class="legend">
        <span class="legend-time">{index === null ? "now" : timeAt(index)}</span>
        {series.map((one) => (
          <span key={one.name} class="legend-item">
            <i class={`swatch is-${one.kind} tone-${one.tone}`} />
            <span>{one.name}</span>
            <b>{valueAt(one, shownAt)}</b>
          </span>
        ))}
      </div>
      <div
        ref={box}
        class="chart-box"
        tabIndex={0}
        role="group"
        aria-roledescription="chart"
        aria-label={`${title}. ${question} Left and right arrow keys read values.`}
        onPointerMove={(event) => {
          const left = event.currentTarget.getBoundingClientRect().left
          at.value = clamp(Math.floor((event.clientX - left - gutter) / slot))
        }}
        onPointerLeave={() => {
          at.value = null
        }}
        onBlur={() => {
          at.value = null
        }}
        onKeyDown={read}
        style={{ height: `${height}px` }}
      >
        {width > 0 && <Plot {...data} format={format} width={Math.max(width, 120)} height={height} />}
        {index !== null && (
          <svg class="chart-cursor" width={width} height={height} aria-hidden="true">
            <line class="cursor" x1={cursorX} x2={cursorX} y1={headroom} y2={height - foot} />
          </svg>
        )}
      </div>
      <span class="sr" aria-live="polite">
        {spoken}
      </span>
      <details class="as-table" onToggle={(event) => setTable(event.currentTarget.open)}>
        <summary>Table</summary>
        {isTable && (
          <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
            <table class="data is-tight">
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  {series.map((one) => (
                    <th key={one.name} scope="col" class="num">
                      {one.name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {t.map((time, at) => (
                  <tr key={time}>
                    <td>{timeAt(at)}</td>
                    {series.map((one) => (
                      <td key={one.name} class="num">
                        {valueAt(one, at)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </details>
    </figure>
  )
}
