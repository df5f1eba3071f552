import { call } from "../../api/call.ts"
import type { Destination } from "../../api/rows.ts"
import { ask, doNow } from "../../dialogs/Ask.tsx"
import { openFiltering, openReplay, openTest } from "../../dialogs/open.tsx"
import { CloseButton } from "../../parts/Buttons.tsx"
import { Dialog } from "../../parts/Dialog.tsx"
import { Menu } from "../../parts/Menu.tsx"
import { openDialog } from "../../state/dialogs.ts"
import { go, route } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { count, plural } from "../../text/numbers.ts"
import { span } from "../../text/times.ts"

const resume = ({ id }: Destination): Promise<void> =>
  doNow(`${id} cannot be resumed`, () => call("destinations/enable", { id }), `${id} goes on where it stood`)

const pause = ({ id }: Destination): Promise<void> =>
  doNow(
    `${id} cannot be paused`,
    () => call("destinations/disable", { id }),
    `${id} is paused; it keeps its place`,
  )

const skip = ({ id, pending }: Destination): void => {
  const keepFor = status.peek()?.store.keepFor
  ask({
    title: `Skip what waits for ${id}?`,
    sure: (
      <p>
        <b>{plural(pending, "event")}</b> {pending === 1 ? "that waits" : "that wait"} for {id} will not be
        sent. They stay in the log{keepFor == null ? "" : ` for ${span(keepFor)}`}: a replay can still send
        them.
      </p>
    ),
    verb: `Skip ${plural(pending, "event")}`,
    danger: true,
    run: () => call("destinations/skip", { id }),
    done: ({ events }) => `${plural(events, "event")} skipped; ${id} begins with what comes from now on`,
  })
}

const explainConfigured = (id: string): void =>
  openDialog((close) => (
    <Dialog
      title={`${id} stands in the configuration`}
      size="small"
      onClose={close}
      actions={<CloseButton onClose={close} />}
    >
      <div class="prose">
        <p>
          Take it out there: it is paused with the next start then, and its place is kept until you remove it
          here.
        </p>
      </div>
    </Dialog>
  ))

const remove = ({ id, pending, dead, origin, disabled }: Destination): void => {
  if (origin === "configured" && disabled?.reason !== "unconfigured") {
    explainConfigured(id)
    return
  }
  ask({
    title: `Remove ${id}?`,
    sure: (
      <p>
        {id} and its place are forgotten: <b>{plural(pending, "event")}</b>{" "}
        {pending === 1 ? "that waits" : "that wait"} for it will not be sent.{" "}
        {dead === 0 ? "It has no dead letters." : `Its ${plural(dead, "dead letter")} stay.`}
      </p>
    ),
    verb: `Remove ${id}`,
    danger: true,
    run: () => call("destinations/remove", { id }),
    done: () => {
      if (route.peek().args[0] === id) go("#/destinations")
      return `${id} is removed`
    },
  })
}

/** Everything that can be done with a destination. */
export const DestinationMenu = ({ row }: { readonly row: Destination }) => (
  <Menu
    label={`More for ${row.id}`}
    items={[
      { text: "Event Filtering…", hint: "f", onClick: () => openFiltering(row.id) },
      { text: "Send test event", changes: true, onClick: () => openTest(row.id) },
      { text: "Replay…", changes: true, onClick: () => openReplay(row.id) },
      null,
      row.disabled === null
        ? { text: "Pause", hint: "keeps its place", changes: true, onClick: () => void pause(row) }
        : { text: "Resume", changes: true, onClick: () => void resume(row) },
      {
        text: "Rewind…",
        hint: "send again from a time on, before anything new",
        changes: true,
        onClick: () => openReplay(row.id, "rewind"),
      },
      {
        text: "Skip what waits…",
        hint: `${count(row.pending)} events`,
        danger: true,
        changes: true,
        onClick: () => skip(row),
      },
      { text: "Remove…", danger: true, changes: true, onClick: () => remove(row) },
    ]}
  />
)
