import { useEffect } from "preact/hooks"
import { call } from "../../api/call.ts"
import type { Destination } from "../../api/rows.ts"
import { says } from "../../logic/destinationSays.ts"
import { triesOf } from "../../logic/tries.ts"
import { Button } from "../../parts/Button.tsx"
import { Glyph } from "../../parts/Glyph.tsx"
import { useResource } from "../../parts/Load.tsx"
import { Rail } from "../../parts/Rail.tsx"
import { Refused } from "../../parts/Refused.tsx"
import { Sentence } from "../../parts/Sentence.tsx"
import { Time } from "../../parts/Time.tsx"
import { type Act, useAct } from "../../parts/useAct.ts"
import { now } from "../../state/clock.ts"
import { announce, say } from "../../state/messages.ts"
import { href } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { stateOf } from "../../text/destinationState.ts"
import { shown } from "../../text/escape.ts"
import { bytes, plural } from "../../text/numbers.ts"
import { outcomes } from "../../text/outcomes.ts"
import { replyText } from "../../text/reply.ts"
import { span } from "../../text/times.ts"
import { markOf, states } from "../../text/words.ts"

type Props = { readonly row: Destination }

/** Runs down to the next try. */
const Countdown = ({ row, act }: Props & { readonly act: Act }) => {
  const { nextAt, waitReason } = row
  const left = nextAt === null ? 0 : Math.max(nextAt - now.value, 0)
  const tryNow = () =>
    act.act(
      () => call("destinations/try-now", { id: row.id }),
      () => {
        say(`Trying ${row.id} now`)
        announce(`Trying ${row.id} now`)
      },
    )
  return (
    <div class="countdown">
      <span class="label">{nextAt === null ? "Next try" : "Next try in"}</span>
      <b class="countdown-clock">{left === 0 ? "now" : span(Math.ceil(left / 1000) * 1000)}</b>
      <small>
        {waitReason ?? "at once"}
        {nextAt !== null && (
          <>
            , <Time at={nextAt} />
          </>
        )}
      </small>
      <Button
        kind="main"
        icon="again"
        changes
        off={act.isBusy ? "It is being tried." : null}
        onClick={tryNow}
      >
        Try now
      </Button>
    </div>
  )
}

const Resume = ({ row, act }: Props & { readonly act: Act }) => (
  <Button
    kind="main"
    icon="play"
    changes
    onClick={() =>
      act.act(
        () => call("destinations/enable", { id: row.id }),
        () => say(`${row.id} goes on where it stood`),
      )
    }
  >
    Resume
  </Button>
)

const LastReply = ({ row }: Props) =>
  row.lastOutcome === null ? null : (
    <div class="countdown">
      <span class="label">Last reply</span>
      <b class="countdown-clock">{row.lastStatus ?? "none"}</b>
      {row.lastDuration !== null && <small>in {span(row.lastDuration)}</small>}
    </div>
  )

/** The tries of the batch at the head, and what the last one was answered. */
const Tries = ({ row }: Props) => {
  const attempts = useResource("attempts/list", { destination: row.id, failuresOnly: true, limit: 100 })
  // Another failure is another try to show.
  useEffect(() => attempts.reload(), [row.failures])
  const list = attempts.value.value?.attempts
  const tries = list === undefined ? null : triesOf(list)
  if (tries === null) return null
  const { last } = tries
  const reply = replyText(last.error ?? "")
  return (
    <>
      <div class="rail-head">
        <h3>Tries of the batch at the head</h3>
        <span class="ink-3">
          <code>{shown(last.webhookId)}</code>, {plural(last.events, "event")}, {bytes(last.bytes)}. The wait
          doubles, at random below that.
        </span>
        <span class="spacer" />
        <span class="ink-3">distances by square root</span>
      </div>
      <Rail tries={tries.startedAt} nextAt={row.nextAt} />
      <p class="reply-line">
        <Glyph mark={markOf[outcomes[last.outcome].tone]} />
        <span>
          <b>{last.status ?? "No reply"}</b> in {span(last.duration)}
          {reply !== "" && (
            <>
              : <code>{shown(reply)}</code>
            </>
          )}
        </span>
      </p>
    </>
  )
}

const Aside = ({ row, act }: Props & { readonly act: Act }) => {
  if (row.disabled !== null) return <Resume row={row} act={act} />
  return stateOf(row) === "failing" || row.nextAt !== null ? (
    <Countdown row={row} act={act} />
  ) : (
    <LastReply row={row} />
  )
}

/** What the destination is doing, in a sentence, and what can be done about it. */
export const Standing = ({ row }: Props) => {
  const act = useAct()
  const state = stateOf(row)
  const { headline, detail } = says(row, {
    now: now.value,
    arriving: status.value?.intake.rate ?? 0,
    keepFor: status.value?.store.keepFor ?? null,
  })
  return (
    <section class={`card status tone-${states[state].tone}`} aria-label="State">
      <div class="status-main">
        <div class="status-says">
          <h2>{headline}</h2>
          <p>
            <Sentence said={detail} />
            {row.dead > 0 && (
              <>
                {" "}
                <a href={href("dead-letters", { destination: row.id })}>{plural(row.dead, "dead letter")}</a>.
              </>
            )}
          </p>
        </div>
        <Aside row={row} act={act} />
      </div>
      <Refused failure={act.failure} />
      {state === "failing" && <Tries row={row} />}
    </section>
  )
}
