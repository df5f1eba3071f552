import { useState } from "preact/hooks"
import type { Destination, OutputOf } from "../../api/rows.ts"
import { openAttempt } from "../../dialogs/open.tsx"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { Load, useResource } from "../../parts/Load.tsx"
import { Empty } from "../../parts/Notice.tsx"
import { Pill } from "../../parts/Pill.tsx"
import { Segments } from "../../parts/Segments.tsx"
import { type Column, Table } from "../../parts/Table.tsx"
import { now } from "../../state/clock.ts"
import { narrow, route } from "../../state/route.ts"
import { shown } from "../../text/escape.ts"
import { bytes, count } from "../../text/numbers.ts"
import { outcomes } from "../../text/outcomes.ts"
import { exactly, span } from "../../text/times.ts"

type Row = OutputOf<"attempts/list">["attempts"][number]

const columnsFor = ({ url }: Destination): ReadonlyArray<Column<Row>> => [
  {
    title: "Started",
    cell: (attempt) => (
      <button type="button" class="link" data-row onClick={() => openAttempt({ attempt, url })}>
        {exactly(attempt.startedAt, now.peek())}
      </button>
    ),
  },
  { title: "Outcome", cell: ({ outcome }) => <Pill {...outcomes[outcome]} /> },
  { title: "Reply", cell: ({ status }) => <code>{status ?? "none"}</code> },
  { title: "Took", class: "num", cell: ({ duration }) => span(duration) },
  { title: "Events", class: "num", cell: ({ events }) => count(events) },
  { title: "Size", class: "num only-wide", cell: (attempt) => bytes(attempt.bytes) },
  {
    title: "Then waited",
    class: "num",
    cell: ({ wait, waitReason }) =>
      wait === null ? "" : <span title={waitReason ?? undefined}>{span(wait)}</span>,
  },
  {
    title: "Why",
    class: "wrap only-wide",
    cell: ({ error }) => <small class="clip">{error === null ? "" : shown(error)}</small>,
  },
]

const which = ["All", "Failures"] as const

/** As many as one answer has at most. */
const most = 1000

/** What was sent to a destination, newest first, and what came back. */
export const Attempts = ({ row }: { readonly row: Destination }) => {
  const failuresOnly = route.value.query.get("outcome") === "failed"
  const [limit, raise] = useState(100)
  const attempts = useResource("attempts/list", { destination: row.id, failuresOnly, limit })
  return (
    <>
      <div class="line">
        <Segments
          label="Which"
          options={which}
          value={failuresOnly ? "Failures" : "All"}
          onPick={(one) => narrow({ outcome: one === "Failures" ? "failed" : null })}
        />
        <span class="ink-3">Failures of 7 days, and the last 100 successes.</span>
        <span class="spacer" />
        <Button small icon="again" onClick={attempts.reload}>
          Look again
        </Button>
      </div>
      <Card class="is-flush">
        <Load of={attempts} rows={10}>
          {({ attempts: rows }) =>
            rows.length === 0 ? (
              <Empty title={failuresOnly ? "No failures in 7 days." : "Nothing has been tried yet."}>
                {row.disabled !== null
                  ? "It is paused. Resume it, or send a test event."
                  : "Failures are kept for 7 days, and the last 100 successes."}
              </Empty>
            ) : (
              <>
                <Table
                  caption="Attempts, newest first"
                  columns={columnsFor(row)}
                  rows={rows}
                  keyOf={({ webhookId, startedAt }) => `${webhookId} ${startedAt}`}
                />
                {rows.length === limit && limit < most && (
                  <p class="pad">
                    <Button small onClick={() => raise(most)}>
                      Older ones
                    </Button>
                  </p>
                )}
              </>
            )
          }
        </Load>
      </Card>
    </>
  )
}
