import { call } from "../../api/call.ts"
import type { OutputOf } from "../../api/rows.ts"
import { ask } from "../../dialogs/Ask.tsx"
import { openCreateKey } from "../../dialogs/open.tsx"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { Load, useResource } from "../../parts/Load.tsx"
import { Empty } from "../../parts/Notice.tsx"
import { Page, PageHead } from "../../parts/Page.tsx"
import { type Column, Table } from "../../parts/Table.tsx"
import { now } from "../../state/clock.ts"
import { status } from "../../state/status.ts"
import { shown } from "../../text/escape.ts"
import { count, plural } from "../../text/numbers.ts"
import { day, since, span } from "../../text/times.ts"

type Key = OutputOf<"keys/list">["keys"][number]

/** A key that nobody has shown for so long, in ms, is perhaps one to take back. */
const longUnused = 24 * 60 * 60 * 1000

const nameOf = ({ name, id }: Key): string => shown(name ?? `key ${id.slice(0, 8)}`)

/** What has come with a key since this process began, for whoever takes it back. */
const usedSays = ({ events, lastUsedAt }: Key) => {
  const from = status.peek() === null ? "the start" : since(status.peek()!.startedAt, now.peek())
  if (lastUsedAt === null) return <>Nothing has come with it since {from}, when this server started.</>
  return (
    <>
      <b>
        {plural(events, "event")} came with it since {from}
      </b>
      , the last {span(now.peek() - lastUsedAt)} ago. Its senders will get 401, and most SDKs lose their
      events then.
    </>
  )
}

const revoke = (key: Key, reload: () => void): void =>
  ask({
    title: `Revoke "${nameOf(key)}"?`,
    sure: <p>{usedSays(key)}</p>,
    verb: "Revoke",
    danger: true,
    run: () => call("keys/revoke", { id: key.id }),
    done: () => {
      reload()
      return "Revoked"
    },
  })

const LastUsed = ({ at }: { readonly at: number | null }) => {
  if (at === null) return <span class="ink-3">not since the start</span>
  const ago = now.value - at
  return <span class={ago > longUnused ? "ink-wait" : ""}>{span(Math.max(ago, 0))} ago</span>
}

const columnsFor = (reload: () => void): ReadonlyArray<Column<Key>> => [
  { title: "Name", cell: (key) => <span class="strong">{nameOf(key)}</span> },
  { title: "Kind", cell: ({ kind }) => (kind === "server" ? "Server" : "Client") },
  {
    title: "Key",
    cell: ({ kind, hint }) => (
      <code>
        {kind === "server" ? "secret-" : "client-"}…{hint === null ? "" : shown(hint)}
      </code>
    ),
  },
  {
    title: "Created",
    class: "only-wide",
    cell: ({ createdAt, origin }) => (
      <>
        {createdAt === null ? "" : day(createdAt)}
        {origin === "configured" && <small class="ink-3"> in the configuration</small>}
      </>
    ),
  },
  { title: "Last used", cell: ({ lastUsedAt }) => <LastUsed at={lastUsedAt} /> },
  {
    title: "Events since the start",
    class: "num",
    hint: "Since this server started",
    cell: ({ events }) => count(events),
  },
  {
    title: "Actions",
    class: "end",
    cell: (key) =>
      key.origin === "configured" ? (
        <small class="ink-3">set in the configuration</small>
      ) : (
        <Button small changes aria-label={`Revoke ${nameOf(key)}`} onClick={() => revoke(key, reload)}>
          Revoke
        </Button>
      ),
  },
]

/** The keys that senders show, and what came with each. */
export const KeysPage = () => {
  const keys = useResource("keys/list", {})
  const create = (
    <Button kind="main" icon="plus" changes onClick={() => openCreateKey(keys.reload)}>
      Create a key
    </Button>
  )
  return (
    <Page title="Keys">
      <PageHead title="Keys">{create}</PageHead>
      <p class="lead">
        A sender shows one with each request.{" "}
        <span class="ink-3">Client keys only log events; server keys do everything.</span>
      </p>
      <Load of={keys} rows={8}>
        {({ keys: rows }) =>
          rows.length === 0 ? (
            <Empty title="There are no keys." actions={create}>
              Without one nobody can send events here.
            </Empty>
          ) : (
            <Card class="is-flush">
              <Table
                caption="Keys"
                class="is-tall"
                columns={columnsFor(keys.reload)}
                rows={rows}
                keyOf={({ id }) => id}
              />
            </Card>
          )
        }
      </Load>
    </Page>
  )
}
