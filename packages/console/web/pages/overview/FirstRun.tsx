import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { Status } from "../../api/rows.ts"
import { openConnect } from "../../dialogs/open.tsx"
import { Button } from "../../parts/Button.tsx"
import { Icon } from "../../parts/Icon.tsx"
import { useResource } from "../../parts/Load.tsx"
import { Page } from "../../parts/Page.tsx"
import { Sample } from "../../parts/Sample.tsx"
import { Segments } from "../../parts/Segments.tsx"
import sendersUrl from "../../samples/senders.txt?url"
import { announce } from "../../state/messages.ts"
import { go } from "../../state/route.ts"
import { server } from "../../state/session.ts"
import { shown } from "../../text/escape.ts"
import { bytes, plural } from "../../text/numbers.ts"
import { clock } from "../../text/times.ts"
import { stepsOf } from "./firstSteps.ts"
import { type Sender, senders } from "./samples.ts"

interface StepProps {
  readonly number: number
  readonly title: string
  readonly text: string
  readonly state: "done" | "now" | "ahead"
  readonly children?: ComponentChildren
}

const Step = ({ number, title, text, state, children }: StepProps) => (
  <li class={`step is-${state}`} aria-current={state === "now" ? "step" : undefined}>
    <span class="step-mark" aria-hidden="true">
      {state === "done" ? <Icon name="done" /> : number}
    </span>
    <div>
      <h2>
        {title}
        {state === "done" && <span class="sr"> (done)</span>}
      </h2>
      <p>{text}</p>
      {state !== "done" && children}
    </div>
  </li>
)

const Waiting = ({ status }: { readonly status: Status }) => {
  const refusals = useResource("intake/refusals", {})
  const { refused } = status.intake
  useEffect(() => {
    if (refused > 0) refusals.reload()
  }, [refused])
  const [last] = (refusals.value.value?.refusals ?? []).toSorted((a, b) => b.last - a.last)
  return (
    <p class="waiting-line" role="status">
      <i class="beat" aria-hidden="true" />
      Waiting for the first event.{" "}
      {last === undefined ? (
        <span class="ink-3">Requests refused so far: none. A wrong key would show here.</span>
      ) : (
        <span class="ink-dead">
          {plural(refused, "request")} refused, the last at {clock(last.last)}: {last.status},{" "}
          {shown(last.message)}.
        </span>
      )}
    </p>
  )
}

/** Three steps, each of which ticks itself as soon as it happens. */
export const FirstRun = ({ status }: { readonly status: Status }) => {
  const [sender, pick] = useState<Sender>("curl")
  const { sent, connected, delivered } = stepsOf(status)
  const base = `${(server.value?.url ?? location.origin).replace(/\/+$/, "")}/v1`
  const stateOf = (isDone: boolean, isNow: boolean) => (isDone ? "done" : isNow ? "now" : "ahead")
  const done = [sent, connected, delivered].filter(Boolean).length
  useEffect(() => {
    if (done > 0) announce(`${done} of 3 steps are done`)
  }, [done])
  const first = status.destinations[0]
  return (
    <Page title="First steps" width="narrow">
      <header class="verdict">
        <h1>{delivered ? "It flows." : sent ? "Events arrive." : "Nothing flows yet."}</h1>
        <p class="lead">
          {delivered
            ? "The first event has come in, and has been delivered."
            : "Three steps, about two minutes. Each ticks itself as soon as it happens."}
        </p>
      </header>
      <ol class="steps">
        <Step
          number={1}
          title="Send an event"
          text={
            sent
              ? "The first event has arrived."
              : "Point a Statsig SDK at this server, or paste this into a terminal."
          }
          state={stateOf(sent, true)}
        >
          <Segments label="Sender" options={senders} value={sender} onPick={pick} />
          <Sample url={sendersUrl} name={sender} base={base} />
          <Waiting status={status} />
        </Step>
        <Step
          number={2}
          title="Connect a webhook"
          text={
            connected
              ? `Events go to ${first?.id}.`
              : "Say where events go. A test delivery shows at once whether the receiver takes them."
          }
          state={stateOf(connected, sent)}
        >
          <Button icon="plus" kind={sent ? "main" : "plain"} changes onClick={openConnect}>
            Connect a webhook
          </Button>
        </Step>
        <Step
          number={3}
          title="See it delivered"
          text={
            delivered
              ? "The receiver has answered 2xx."
              : "The event's way, from here to the receiver's reply."
          }
          state={stateOf(delivered, sent && connected)}
        >
          {sent && connected && (
            <p class="waiting-line">
              <i class="beat" aria-hidden="true" />
              Waiting for the first delivery.
            </p>
          )}
        </Step>
      </ol>
      {delivered ? (
        <div class="actions">
          <Button kind="main" icon="live" onClick={() => go("#/live")}>
            See events arrive
          </Button>
        </div>
      ) : (
        <p class="ink-3">
          Without a destination events are kept all the same
          {status.store.cap === null ? "" : `, up to ${bytes(status.store.cap)}`}: connect one later and begin
          with the oldest.
        </p>
      )}
    </Page>
  )
}
