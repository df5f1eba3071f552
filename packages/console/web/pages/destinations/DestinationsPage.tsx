import type { Destination } from "../../api/rows.ts"
import { openConnect } from "../../dialogs/open.tsx"
import { saysShortly } from "../../logic/destinationSays.ts"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { Empty } from "../../parts/Notice.tsx"
import { Page, PageHead } from "../../parts/Page.tsx"
import { Pill } from "../../parts/Pill.tsx"
import { Sentence } from "../../parts/Sentence.tsx"
import { Soon } from "../../parts/Soon.tsx"
import { type Column, Table } from "../../parts/Table.tsx"
import { now } from "../../state/clock.ts"
import { destinationHref, href, route } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { stateOf } from "../../text/destinationState.ts"
import { shown } from "../../text/escape.ts"
import { count, short } from "../../text/numbers.ts"
import { states } from "../../text/words.ts"
import { DestinationPage } from "../destination/DestinationPage.tsx"
import { DestinationMenu } from "./DestinationMenu.tsx"
import { LastDay } from "./LastDay.tsx"

/** More than this waits for some reason. */
const muchWaits = 2_000

const StateCell = ({ row }: { readonly row: Destination }) => {
  const state = stateOf(row)
  const tone = {
    flowing: "ink-3",
    behind: "ink-wait",
    failing: "ink-dead",
    paused: "ink-3",
    gone: "ink-dead",
  }[state]
  return (
    <div class="stack">
      <Pill {...states[state]} />
      <small class={tone}>
        <Sentence said={saysShortly(row, now.value)} />
      </small>
    </div>
  )
}

/** Host and path, the path paler: the same host is often there twice. */
const Url = ({ url }: { readonly url: string }) => {
  if (!URL.canParse(url)) return <small class="url">{shown(url)}</small>
  const { host, pathname } = new URL(url)
  return (
    <small class="url">
      {shown(host)}
      <span class="ink-3">{shown(pathname)}</span>
    </small>
  )
}

const columns: ReadonlyArray<Column<Destination>> = [
  {
    title: "Destination",
    cell: (row) => (
      <div class="stack">
        <a class="strong" href={destinationHref(row.id)} data-row>
          {row.id}
        </a>
        <Url url={row.url} />
      </div>
    ),
  },
  { title: "State", cell: (row) => <StateCell row={row} /> },
  { title: "Last 24 hours", class: "only-wide", cell: (row) => <LastDay id={row.id} /> },
  { title: "Gets", class: "only-wide wrap", cell: (row) => <small>{shown(row.selects)}</small> },
  { title: "Delivered", class: "num", cell: (row) => short(row.delivered) },
  {
    title: "Waiting",
    class: "num",
    cell: (row) =>
      row.pending > muchWaits ? <b class="ink-wait">{short(row.pending)}</b> : count(row.pending),
  },
  {
    title: "Dead",
    class: "num",
    cell: (row) =>
      row.dead === 0 ? "0" : <a href={href("dead-letters", { destination: row.id })}>{count(row.dead)}</a>,
  },
  { title: "Actions", class: "end", cell: (row) => <DestinationMenu row={row} /> },
]

const connectButton = (
  <Button kind="main" icon="plus" changes onClick={openConnect}>
    Connect a webhook
  </Button>
)

const Everyone = () => {
  const rows = status.value?.destinations
  return (
    <Page title="Destinations">
      <PageHead title="Destinations">{connectButton}</PageHead>
      {rows === undefined && (
        <Card>
          <Soon rows={10} />
        </Card>
      )}
      {rows?.length === 0 && (
        <Empty title="Events go nowhere yet." actions={connectButton}>
          A destination is a webhook: a URL that takes batches of events in the format of Statsig's Generic
          Webhook. Connecting one takes a minute, and can begin with the oldest event kept.
        </Empty>
      )}
      {rows !== undefined && rows.length > 0 && (
        <>
          <Card class="is-flush">
            <Table
              caption="Destinations"
              class="is-tall"
              columns={columns}
              rows={rows}
              keyOf={(row) => row.id}
            />
          </Card>
          <p class="ink-3">
            Waiting counts what a destination has not looked at yet, also what its filter will leave out.
          </p>
        </>
      )}
    </Page>
  )
}

/** All destinations, or the one that the address names. */
export const DestinationsPage = () => {
  const [id, tab = "overview"] = route.value.args
  return id === undefined ? <Everyone /> : <DestinationPage key={id} id={id} tab={tab} />
}
