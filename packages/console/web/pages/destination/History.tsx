import { useEffect, useState } from "preact/hooks"
import type { Destination, OutputOf } from "../../api/rows.ts"
import { type DiagnosticsRow, diagnosticsOf } from "../../logic/diagnostics.ts"
import { Card } from "../../parts/Card.tsx"
import { Chart, type Series } from "../../parts/Chart.tsx"
import { Load, useResource } from "../../parts/Load.tsx"
import { Empty } from "../../parts/Notice.tsx"
import { Segments } from "../../parts/Segments.tsx"
import { type Column, Table } from "../../parts/Table.tsx"
import { now } from "../../state/clock.ts"
import { useSignal } from "../../state/signals.ts"
import { shown } from "../../text/escape.ts"
import { count, decimal } from "../../text/numbers.ts"
import { day, minute, since, span } from "../../text/times.ts"

type Values = OutputOf<"destinations/history">

/** As they stand on the page, and as the API names them. */
const ranges = { "1 h": "1h", "6 h": "6h", "24 h": "24h", "7 d": "7d" } as const

type RangeWord = keyof typeof ranges

const words = Object.keys(ranges) as ReadonlyArray<RangeWord>

/** Buckets are a minute or more: what has changed is asked for that often, in ms. */
const every = 30_000

const millis = (value: number): string =>
  value >= 1000 ? `${decimal(value / 1000)} s` : `${Math.round(value)} ms`

/** In the unit that the greatest value is read in, so that the axis has round numbers. */
const delayUnit = (values: ReadonlyArray<number | null>): readonly [number, string] => {
  const most = Math.max(0, ...values.map((value) => value ?? 0))
  if (most > 7_200_000) return [3_600_000, " h"]
  return most > 120_000 ? [60_000, " min"] : [1_000, " s"]
}

const Charts = ({ row, values }: { readonly row: Destination; readonly values: Values }) => {
  const cursor = useSignal<number | null>(null)
  const { from, step, delivered } = values
  const happened =
    row.failingSince !== null
      ? [{ t: row.failingSince, text: "fails" }]
      : row.disabled !== null
        ? [{ t: row.disabled.at, text: "paused" }]
        : []
  const common = {
    t: delivered.map((_, at) => from + at * step),
    step,
    cursor,
    marks: happened,
    startedAt: values.since,
  }
  const [per, unit] = delayUnit(values.delay)
  const delay = values.delay.map((value) => (value === null ? null : value / per))
  const series = (...all: ReadonlyArray<Series>): ReadonlyArray<Series> => all
  return (
    <div class="charts">
      <Chart
        {...common}
        title="Attempts"
        question="Does it take events? Since when not?"
        series={series(
          { name: "delivered", tone: "flow", kind: "bar", values: delivered },
          { name: "failed", tone: "dead", kind: "bar", values: values.failed },
        )}
      />
      <Chart
        {...common}
        title="Time of a reply"
        question="Is it slow, or about to break?"
        format={millis}
        series={series(
          { name: "half below", tone: "flow", kind: "line", values: values.half },
          { name: "95 % below", tone: "wait", kind: "line", values: values.most },
        )}
      />
      <Chart
        {...common}
        title="Waiting"
        question="Does the backlog grow or shrink?"
        series={series({ name: "events waiting", tone: "wait", kind: "area", values: values.waiting })}
      />
      <Chart
        {...common}
        title="Delay"
        question="How late do events get there?"
        format={(value) => `${decimal(value)}${unit}`}
        series={series({ name: "oldest waiting", tone: "wait", kind: "area", values: delay })}
      />
    </div>
  )
}

const columnsFor = (isLong: boolean): ReadonlyArray<Column<DiagnosticsRow>> => [
  { title: "Timestamp", cell: ({ at }) => (isLong ? `${day(at)} ${minute(at)}` : minute(at)) },
  { title: "Events", class: "num", cell: ({ events }) => count(events) },
  { title: "Forwarded", class: "num", cell: ({ forwarded }) => count(forwarded) },
  { title: "Filtered", class: "num", cell: ({ filtered }) => count(filtered) },
  {
    title: "Rate Limited",
    class: "num",
    hint: "Time spent waiting for the rate limit",
    cell: ({ rateLimited }) => (rateLimited === 0 ? "0" : span(rateLimited)),
  },
  { title: "Failed", class: "num", hint: "Attempts that failed", cell: ({ failed }) => count(failed) },
  { title: "Error", class: "wrap", cell: ({ error }) => <small>{error === null ? "" : shown(error)}</small> },
]

const Diagnostics = ({ values, range }: { readonly values: Values; readonly range: RangeWord }) => {
  const rows = diagnosticsOf(values)
  return (
    <Card title="Diagnostics" hint={`By ${span(values.step)}, the newest first.`}>
      {rows.length === 0 ? (
        <Empty title="Nothing has happened.">
          Since {since(values.since, now.value)}, when this server started.
        </Empty>
      ) : (
        <Table
          caption={`Diagnostics by ${span(values.step)}`}
          columns={columnsFor(range === "24 h" || range === "7 d")}
          rows={rows}
          keyOf={({ at }) => at}
        />
      )}
    </Card>
  )
}

/** Four charts under one cursor, and the same minute by minute. */
export const History = ({ row }: { readonly row: Destination }) => {
  const [range, pick] = useState<RangeWord>("1 h")
  const history = useResource("destinations/history", { id: row.id, range: ranges[range] })
  useEffect(() => {
    const timer = setInterval(() => {
      // What is being read stays as it is.
      if (!document.hidden && document.activeElement?.closest(".chart-box") == null) history.reload()
    }, every)
    return () => clearInterval(timer)
  }, [row.id, range])
  const values = history.value.value
  return (
    <>
      <Card
        title="Over time"
        hint={
          values === null ? undefined : `since ${since(values.since, now.value)}, when this server started`
        }
        actions={<Segments label="Range" options={words} value={range} onPick={pick} />}
      >
        <Load of={history} rows={8}>
          {(values) => <Charts row={row} values={values} />}
        </Load>
      </Card>
      {values !== null && <Diagnostics values={values} range={range} />}
    </>
  )
}
