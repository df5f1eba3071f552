import { call } from "../../api/call.ts"
import type { Destination, OutputOf } from "../../api/rows.ts"
import { ask } from "../../dialogs/Ask.tsx"
import { openNewSecret } from "../../dialogs/open.tsx"
import { optionsOf } from "../../logic/settings.ts"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { Mono } from "../../parts/Copy.tsx"
import { copyText } from "../../parts/copyText.ts"
import { type Fact, Facts } from "../../parts/Facts.tsx"
import { Load, useResource } from "../../parts/Load.tsx"
import { Notice } from "../../parts/Notice.tsx"
import { type Column, Table } from "../../parts/Table.tsx"
import { now } from "../../state/clock.ts"
import { shown } from "../../text/escape.ts"
import { since } from "../../text/times.ts"

type Detail = OutputOf<"destinations/get">

type Secret = Detail["secrets"][number]

const kinds: Readonly<Record<Secret["kind"], string>> = {
  standardWebhooks: "Standard Webhooks",
  statsig: "Statsig's v0",
}

/** What stands before the four characters that are known. */
const masked = ({ kind, hint }: Secret): string => `${kind === "statsig" ? "" : "whsec_"}…${hint}`

const retire = (detail: Detail, secret: Secret, reload: () => void): void => {
  const isOnly = detail.secrets.length === 1
  ask({
    title: `Retire the secret ${masked(secret)}?`,
    sure: (
      <p>
        {isOnly
          ? `It is the only one: requests to ${detail.id} will not be signed any more, and receivers cannot tell them from forged ones. Make a new one first, and retire this one when the receiver has it.`
          : `Requests to ${detail.id} are signed with ${detail.secrets.length === 2 ? "the other one" : "the others"} only: a receiver that knows no other refuses them.`}
      </p>
    ),
    verb: isOnly ? "Stop signing" : "Retire",
    danger: true,
    run: () => call("secrets/retire", { id: detail.id, hint: secret.hint }),
    done: () => {
      reload()
      return "Retired"
    },
  })
}

const secretColumns = (detail: Detail, reload: () => void): ReadonlyArray<Column<Secret>> => [
  { title: "Secret", cell: (secret) => <code>{masked(secret)}</code> },
  { title: "Kind", cell: ({ kind }) => kinds[kind] },
  {
    title: "Actions",
    class: "end",
    cell: (secret) =>
      detail.origin === "configured" ? (
        <small class="ink-3">in the configuration</small>
      ) : (
        <Button small changes onClick={() => retire(detail, secret, reload)}>
          Retire
        </Button>
      ),
  },
]

const Signing = ({ detail, reload }: { readonly detail: Detail; readonly reload: () => void }) => (
  <Card
    title="Signing"
    hint={detail.secrets.length > 1 ? "Each request is signed with all of them." : undefined}
    actions={
      <Button
        small
        changes
        icon="plus"
        off={detail.origin === "configured" ? "It stands in the configuration, and is changed there." : null}
        onClick={() => openNewSecret(detail.id, reload)}
      >
        New secret
      </Button>
    }
  >
    <Table
      caption="Signing secrets"
      columns={secretColumns(detail, reload)}
      rows={detail.secrets}
      keyOf={({ kind, hint }) => `${kind} ${hint}`}
      none="Requests are not signed: receivers cannot tell them from forged ones."
    />
  </Card>
)

const Configured = ({ detail }: { readonly detail: Detail }) => (
  <Notice
    tone="skip"
    title="Defined in the configuration."
    actions={
      <Button small icon="copy" onClick={() => void copyText(JSON.stringify(detail.config, null, 2))}>
        Copy as JSON
      </Button>
    }
  >
    What stands there wins, so it is changed there. This is what the server has read, with every default
    spelled out.
  </Notice>
)

const Options = ({ detail }: { readonly detail: Detail }) => (
  <Card title="Delivery">
    <Facts
      class="is-wide"
      of={[
        ...optionsOf(detail.config).map(
          ({ name, value, hint, isCode }): Fact => [
            name,
            isCode ? <Mono text={value} /> : shown(value),
            hint,
          ],
        ),
        detail.createdAt === null ? null : ["Added", since(detail.createdAt, now.value)],
      ]}
    />
  </Card>
)

/** A destination's options as they are in effect, and what signs its requests. */
export const Settings = ({ row }: { readonly row: Destination }) => {
  const detail = useResource("destinations/get", { id: row.id })
  return (
    <Load of={detail} rows={10}>
      {(value) => (
        <>
          {value.origin === "configured" && <Configured detail={value} />}
          <Options detail={value} />
          <Signing detail={value} reload={detail.reload} />
        </>
      )}
    </Load>
  )
}
