import type { OutputOf, ProcessRow, Refusal, Status } from "../../api/rows.ts"
import { asText, didSays, fullIn, hasPage, sorted, verdict } from "../../logic/health.ts"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { copyText } from "../../parts/copyText.ts"
import { Facts } from "../../parts/Facts.tsx"
import { Glyph } from "../../parts/Glyph.tsx"
import { Icon } from "../../parts/Icon.tsx"
import { Load, type Resource, useResource } from "../../parts/Load.tsx"
import { Meter } from "../../parts/Meter.tsx"
import { Notice } from "../../parts/Notice.tsx"
import { Page, PageHead } from "../../parts/Page.tsx"
import { Soon } from "../../parts/Soon.tsx"
import { LedgerBar } from "../../parts/Spark.tsx"
import { type Column, Table } from "../../parts/Table.tsx"
import { Time } from "../../parts/Time.tsx"
import { now } from "../../state/clock.ts"
import { destinationHref } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { shown } from "../../text/escape.ts"
import { bytes, count, percent } from "../../text/numbers.ts"
import { since, span, when } from "../../text/times.ts"
import type { Mark } from "../../text/words.ts"
import { offBy } from "../overview/verdict.ts"

type Row = Status["destinations"][number]

const Sum = ({ row }: { readonly row: Row }) => {
  const off = offBy(row)
  return (
    <span class={`adds tone-${off === 0 ? "flow" : "dead"}`}>
      <Icon name={off === 0 ? "done" : "close"} />
      {off === 0 ? "adds up" : `off by ${count(off)}`}
    </span>
  )
}

const ledgerColumns: ReadonlyArray<Column<Row>> = [
  {
    title: "Destination",
    cell: ({ id }) => (
      <a class="strong" href={destinationHref(id)} data-row>
        {id}
      </a>
    ),
  },
  { title: "Due", class: "num", cell: ({ due }) => <b>{count(due)}</b> },
  { title: "Split up", class: "bar-cell only-wide", cell: (row) => <LedgerBar row={row} /> },
  { title: "Delivered", class: "num", cell: ({ delivered }) => count(delivered) },
  { title: "Filtered", class: "num", cell: ({ filtered }) => count(filtered) },
  { title: "Dead", class: "num", cell: ({ dead }) => count(dead) },
  {
    title: "Trimmed",
    class: "num",
    hint: "Dropped by the log before the destination came to them",
    cell: ({ trimmed }) => (trimmed === 0 ? "0" : <b class="ink-dead">{count(trimmed)}</b>),
  },
  { title: "Waiting", class: "num", cell: ({ pending }) => count(pending) },
  { title: "Sum", class: "end", cell: (row) => <Sum row={row} /> },
]

const Ledger = ({ rows }: { readonly rows: ReadonlyArray<Row> }) => (
  <Card
    title="Ledger"
    hint="Every event that was accepted is accounted for at each destination. Due and waiting come from the log, the rest from the destination's cursor: that two sources agree is the check."
  >
    <Table
      caption="The ledger"
      columns={ledgerColumns}
      rows={rows}
      keyOf={({ id }) => id}
      none="There is no destination yet."
    />
  </Card>
)

const Intake = ({ value }: { readonly value: Status }) => {
  const { stored, rejected, refused } = value.intake
  const facts = [
    [stored, "events stored"],
    [rejected, "rejected on arrival"],
    [refused, "requests refused"],
  ] as const
  return (
    <Card title="Intake" hint="Since midnight UTC, or since this server started.">
      <p class="pad equation">
        {facts.map(([number, text]) => (
          <span key={text}>
            <b>{count(number)}</b>
            <small>{text}</small>
          </span>
        ))}
      </p>
    </Card>
  )
}

const refusalColumns: ReadonlyArray<Column<Refusal>> = [
  { title: "Last", cell: ({ last }) => <Time at={last} /> },
  { title: "Status", cell: (refusal) => <code class="ink-dead">{refusal.status}</code> },
  {
    title: "Reason",
    class: "wrap",
    cell: ({ message, route, sdk, keyKind }) => (
      <>
        {shown(message)}
        <br />
        <small class="ink-3">
          {shown(
            [route, sdk, keyKind === null ? null : `${keyKind}…`].filter((part) => part !== null).join(", "),
          )}
        </small>
      </>
    ),
  },
  { title: "Times", class: "num", cell: (refusal) => count(refusal.count) },
]

const Refusals = () => {
  const refusals = useResource("intake/refusals", {})
  return (
    <Card
      title="Requests refused"
      hint="As a whole, since this server started. Nothing of them is kept but this."
    >
      <Load of={refusals} rows={4}>
        {({ refusals: rows }) => (
          <Table
            caption="Requests refused"
            columns={refusalColumns}
            rows={rows.toSorted((a, b) => b.last - a.last)}
            keyOf={({ route, status, message, sdk, keyKind }) =>
              [route, status, message, sdk, keyKind].join(" ")
            }
            none="No request has been refused."
          />
        )}
      </Load>
    </Card>
  )
}

/** Changes at first; the others are in the log. */
const mostChanges = 20

const Changes = () => {
  const changes = useResource("changes/list", {})
  const known = new Set(status.value?.destinations.map(({ id }) => id))
  return (
    <Card title="Recent changes">
      <Load of={changes} rows={4}>
        {({ changes: rows }) =>
          rows.length === 0 ? (
            <p class="pad ink-3">Nobody has changed anything.</p>
          ) : (
            <ul class="changes">
              {rows.slice(0, mostChanges).map(({ id, at, who, did, what }) => (
                <li key={id}>
                  <Time at={at} />
                  <div>
                    <b>{shown(who)}</b> {shown(didSays(did))}{" "}
                    {what !== null &&
                      (hasPage(did) && known.has(what) ? (
                        <a href={destinationHref(what)}>{what}</a>
                      ) : (
                        shown(what)
                      ))}
                  </div>
                </li>
              ))}
            </ul>
          )
        }
      </Load>
    </Card>
  )
}

/** From here on the bar is red: the pending entries may hold it. */
const nearlyFull = 0.9

const Store = ({ value }: { readonly value: Status }) => {
  const { store } = value
  const full = fullIn(value)
  return (
    <Card title="Store">
      <div class="pad">
        {store.bytes !== null && store.cap !== null && (
          <>
            <Meter
              part={store.bytes / store.cap}
              tone={store.bytes / store.cap > nearlyFull ? "dead" : "flow"}
              label={`${percent(store.bytes, store.cap)} used`}
            />
            <p class="meter-says">
              <b>{bytes(store.bytes)}</b> of {bytes(store.cap)}{" "}
              {full !== null && (
                <span class="ink-3">
                  at this rate full in about {span(full)}; then the oldest delivered entries go first, which
                  is usual
                </span>
              )}
            </p>
          </>
        )}
        <Facts
          of={[
            store.bytes !== null && store.cap === null
              ? ["Size", bytes(store.bytes), "no limit is set"]
              : null,
            ["Safe on", shown(store.durability)],
            [
              "Kept",
              `${count(store.events)} events`,
              store.oldestAt !== null && `since ${when(store.oldestAt, now.value)}`,
            ],
            store.keepFor === null ? null : ["For", span(store.keepFor)],
          ]}
        />
      </div>
    </Card>
  )
}

const processColumns: ReadonlyArray<Column<ProcessRow>> = [
  { title: "Process", cell: ({ name }) => <b>{name}</b> },
  { title: "Does", class: "only-wide", cell: ({ does }) => does },
  { title: "Memory", class: "num", cell: ({ memory }) => bytes(memory) },
  { title: "CPU", class: "num", cell: ({ cpu }) => `${Math.round(cpu * 100)} %` },
  {
    title: "Connections",
    class: "num only-mid",
    cell: ({ connections }) => (connections === null ? "–" : count(connections)),
  },
  {
    title: "Restarts",
    class: "num",
    cell: ({ restarts }) => (restarts === 0 ? "0" : <b class="ink-wait">{count(restarts)}</b>),
  },
]

const Processes = () => {
  const processes = useResource("processes/list", {})
  return (
    <Card title="Processes" hint="Of the server that answers: CPU is the share of a core.">
      <Load of={processes} rows={2}>
        {({ processes: rows }) => (
          <Table
            caption="The server's processes"
            columns={processColumns}
            rows={rows}
            keyOf={({ name }) => name}
          />
        )}
      </Load>
    </Card>
  )
}

const levels: Readonly<Record<"ok" | "note" | "wrong", Mark>> = {
  ok: "delivered",
  note: "waiting",
  wrong: "dead",
}

const Checks = ({ doctor }: { readonly doctor: Resource<OutputOf<"doctor">> }) => (
  <Card title="Checks">
    <Load of={doctor} rows={6}>
      {({ checks }) => (
        <ul class="checks">
          {sorted(checks).map(({ name, level, message }) => (
            <li key={`${name} ${message}`}>
              <Glyph mark={levels[level]} />
              <span class="sr">{level}</span>
              <b>{shown(name)}</b>
              <span>{shown(message)}</span>
            </li>
          ))}
        </ul>
      )}
    </Load>
  </Card>
)

const Down = ({ value }: { readonly value: Status }) => {
  const { problem, problemSince } = value.store
  return problem === null ? null : (
    <Notice tone="dead" title={shown(problem)}>
      {problemSince !== null && `Since ${since(problemSince, now.value)}. `}
      New requests get 503, and SDKs keep their events and send them again. What was answered 202 is safe.
    </Notice>
  )
}

/** Does everything add up, is there room, does everybody work? */
export const HealthPage = () => {
  const doctor = useResource("doctor", {})
  const { value } = status
  const checks = doctor.value.value?.checks ?? null
  return (
    <Page title="Health">
      <PageHead title={value === null ? "Health" : verdict(value)}>
        <Button
          class="only-mid"
          icon="copy"
          off={checks === null ? "Nothing has been examined yet." : null}
          onClick={() => checks !== null && void copyText(asText(checks))}
        >
          Copy as text
        </Button>
        <Button icon="again" onClick={doctor.reload}>
          Examine again
        </Button>
      </PageHead>
      {value === null ? (
        <Card>
          <Soon rows={8} />
        </Card>
      ) : (
        <>
          <Down value={value} />
          <Ledger rows={value.destinations} />
          <div class="columns">
            <div class="column">
              <Intake value={value} />
              <Refusals />
              <Changes />
            </div>
            <div class="column">
              <Store value={value} />
              <Processes />
              <Checks doctor={doctor} />
            </div>
          </div>
        </>
      )}
    </Page>
  )
}
