import { useEffect, useRef } from "preact/hooks"
import type { NameRow, Status } from "../../api/rows.ts"
import { perSecond } from "../../logic/perSecond.ts"
import { Card } from "../../parts/Card.tsx"
import { Glyph } from "../../parts/Glyph.tsx"
import { Load, type Resource, useResource } from "../../parts/Load.tsx"
import { lazy } from "../../parts/lazy.tsx"
import { Skeleton } from "../../parts/Notice.tsx"
import { Page } from "../../parts/Page.tsx"
import { Spark } from "../../parts/Spark.tsx"
import { type Column, Table } from "../../parts/Table.tsx"
import { useSlow } from "../../parts/useSlow.ts"
import { href } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { shown } from "../../text/escape.ts"
import { change, count, decimal } from "../../text/numbers.ts"
import { span } from "../../text/times.ts"
import { needsOf } from "./attention.ts"
import { isFirstRun, stepsOf } from "./firstSteps.ts"
import { Needs } from "./Needs.tsx"
import { Race } from "./Race.tsx"
import { unlikeYesterday } from "./unlikeYesterday.ts"
import { verdictOf } from "./verdict.ts"

// Its numbers have to arrive, too.
const Chart = lazy("Chart")
const FirstRun = lazy("FirstRun")
const StoreDown = lazy("StoreDown")

const columns: ReadonlyArray<Column<NameRow>> = [
  {
    title: "Event",
    cell: ({ eventName }) => (
      <a href={href("live", { name: eventName })}>
        <code>{shown(eventName)}</code>
      </a>
    ),
  },
  {
    title: "Last day, by hour",
    class: "only-wide",
    cell: ({ hours }) => <Spark values={hours} width={132} height={22} tone="skip" bars />,
  },
  { title: "Last hour", class: "num", cell: ({ hours }) => count(hours.at(-1) ?? 0) },
  { title: "Change", class: "num", cell: (row) => <b>{change(row.change ?? 0)}</b> },
]

const UnlikeYesterday = () => {
  const names = useResource("names/list", { limit: 1_000 })
  useMinutely(names)
  return (
    <Load of={names} rows={6}>
      {({ names: all }) => {
        const rows = unlikeYesterday(all)
        return rows.length === 0 ? null : (
          <Card
            title="Unlike yesterday"
            hint="Event names whose last 3 hours differ most from the same hours of the day before."
          >
            <Table
              caption="Event names that changed most"
              columns={columns}
              rows={rows}
              keyOf={({ eventName }) => eventName}
            />
          </Card>
        )
      }}
    </Load>
  )
}

/** Loads anew as time goes by, the server's time: with each so many ms of the hour. */
const useEvery = (step: number, { reload }: Resource<unknown>): void => {
  const turn = Math.floor((status.value?.at ?? 0) / step)
  const before = useRef(turn)
  useEffect(() => {
    if (before.current !== turn) reload()
    before.current = turn
  }, [turn])
}

const useMinutely = (resource: Resource<unknown>): void => useEvery(60_000, resource)

const Arriving = () => {
  const history = useResource("intake/history", { range: "1h" })
  // The minute that runs is shown after some seconds of it, and not as it was at its beginning.
  useEvery(15_000, history)
  return (
    <Card>
      <Load of={history} rows={6}>
        {(buckets) => {
          const { from, step, since, stored, rejected, yesterday } = buckets
          const whole = { from, step, since: from, at: from + step * yesterday.length }
          return (
            <Chart
              title="Arriving"
              question="Did senders stop, or surge?"
              t={stored.map((_, at) => from + at * step)}
              step={step}
              startedAt={since}
              height={150}
              format={decimal}
              unit="/s"
              series={[
                { name: "stored", tone: "flow", kind: "bar", values: perSecond(buckets, stored) },
                { name: "rejected", tone: "dead", kind: "bar", values: perSecond(buckets, rejected) },
                { name: "yesterday", tone: "skip", kind: "ghost", values: perSecond(whole, yesterday) },
              ]}
            />
          )
        }}
      </Load>
    </Card>
  )
}

/** Letters, refusals and checks are asked for when the status says that there are others. */
const useNeeds = (now: Status) => {
  const causes = useResource("dead-letters/causes", {})
  const refusals = useResource("intake/refusals", {})
  const checks = useResource("doctor", {})
  const letters = JSON.stringify(now.deadLetters)
  const first = useRef(true)
  useEffect(() => {
    if (!first.current) causes.reload()
  }, [letters])
  useEffect(() => {
    if (!first.current) refusals.reload()
  }, [now.intake.wrongKeys])
  useEffect(() => {
    first.current = false
  }, [])
  useMinutely(checks)
  return needsOf({
    status: now,
    causes: causes.value.value?.causes ?? [],
    refusals: refusals.value.value?.refusals ?? [],
    checks: checks.value.value?.checks ?? [],
  })
}

const safety: Readonly<Record<string, string>> = {
  memory: "Events are kept in memory",
  disk: "Events are safe on disk",
  replicated: "Events are safe on several machines",
}

const Usual = ({ now }: { readonly now: Status }) => {
  const { says, nothingLost } = verdictOf(now)
  const needs = useNeeds(now)
  const kept = safety[now.store.durability] ?? now.store.durability
  return (
    <Page title={says.replace(/\.$/, "")}>
      <header class="verdict">
        <h1>{says}</h1>
        <p class="lead">
          {nothingLost !== null && (
            <>
              <Glyph mark="delivered" />
              {nothingLost}{" "}
            </>
          )}
          <span class="ink-3">
            {kept}, up {span(now.at - now.startedAt)}.
          </span>
        </p>
      </header>
      <Race status={now} />
      <div class="columns">
        <div class="column">
          <Needs needs={needs} />
        </div>
        <div class="column">
          <Arriving />
          <UnlikeYesterday />
        </div>
      </div>
    </Page>
  )
}

const Loading = () => {
  const isSlow = useSlow()
  return (
    <Page title="Overview">
      <h1 class="sr">Overview</h1>
      {isSlow && (
        <>
          <Skeleton rows={2} />
          <div class="card race">
            <Skeleton rows={6} />
          </div>
          <div class="columns">
            <div class="card">
              <Skeleton rows={6} />
            </div>
            <div class="card">
              <Skeleton rows={6} />
            </div>
          </div>
        </>
      )}
    </Page>
  )
}

/** Is everything all right, and if not, what is it? One sentence, one picture, one list. */
export const Overview = () => {
  const now = status.value
  // The first steps stay until the last of them is seen to be done.
  const isBeginning = useRef(false)
  if (now === null) return <Loading />
  if (now.store.problem !== null) return <StoreDown status={now} />
  if (isFirstRun(now)) isBeginning.current = true
  else if (!isBeginning.current) return <Usual now={now} />
  return stepsOf(now).delivered && now.destinations.length > 1 ? (
    <Usual now={now} />
  ) : (
    <FirstRun status={now} />
  )
}
