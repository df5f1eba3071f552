import { useRef, useState } from "preact/hooks"
import { call } from "../api/call.ts"
import type { Destination, IntakeHistory, OutputOf } from "../api/rows.ts"
import { type Estimate, estimate, problemOf, type RangeProblem, shareOf } from "../logic/replayEstimate.ts"
import { CancelOr } from "../parts/Buttons.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { Glyph } from "../parts/Glyph.tsx"
import { useResource } from "../parts/Load.tsx"
import { Notice } from "../parts/Notice.tsx"
import { Refused } from "../parts/Refused.tsx"
import { TextInput } from "../parts/TextInput.tsx"
import { useAct } from "../parts/useAct.ts"
import { serverNow } from "../state/clock.ts"
import { say } from "../state/messages.ts"
import { destinationHref, go } from "../state/route.ts"
import { status } from "../state/status.ts"
import { stateOf } from "../text/destinationState.ts"
import { fromLocalInput, toLocalInput } from "../text/localInput.ts"
import { count, plural } from "../text/numbers.ts"
import { day, minute, span } from "../text/times.ts"

interface ReplayDialogProps {
  readonly id: string
  readonly kind: "replay" | "rewind"
  readonly onClose: () => void
}

interface Range {
  readonly since: number
  readonly until: number
}

const width = 560
const barsHeight = 68
const hour = 60 * 60 * 1000

interface BrushProps {
  readonly history: IntakeHistory
  readonly range: Range
  readonly onPick: (range: Range) => void
}

/** What arrived, with the range over it. Dragging chooses; the two fields below do the same. */
const Brush = ({ history, range, onPick }: BrushProps) => {
  const box = useRef<SVGSVGElement>(null)
  const begun = useRef<number | null>(null)
  const { from, step, stored } = history
  const end = from + stored.length * step
  const slot = width / stored.length
  const most = Math.max(1, ...stored.map((events) => events ?? 0))
  const x = (time: number) => (Math.min(Math.max(time - from, 0), end - from) / (end - from)) * width
  const timeAt = (event: PointerEvent) => {
    const { left, width: wide } = box.current!.getBoundingClientRect()
    const part = Math.min(Math.max((event.clientX - left) / wide, 0), 1)
    return Math.round((from + part * (end - from)) / 60_000) * 60_000
  }
  const drag = (event: PointerEvent) => {
    if (begun.current === null) return
    const to = timeAt(event)
    onPick({ since: Math.min(begun.current, to), until: Math.max(begun.current, to) })
  }
  const inRange = (at: number) => from + (at + 1) * step > range.since && from + at * step < range.until
  return (
    <svg
      ref={box}
      class="brush"
      width="100%"
      viewBox={`0 0 ${width} 86`}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        begun.current = timeAt(event)
      }}
      onPointerMove={drag}
      onPointerUp={(event) => {
        drag(event)
        begun.current = null
      }}
    >
      <rect
        class="brush-range"
        x={x(range.since)}
        y={0}
        width={Math.max(x(range.until) - x(range.since), 0)}
        height={barsHeight}
        rx={3}
      />
      {stored.map((events, at) => {
        const tall = ((events ?? 0) / most) * 54
        return (
          <rect
            key={at}
            class={`bar tone-${inRange(at) ? "flow" : "skip"}`}
            x={at * slot}
            y={66 - tall}
            width={Math.max(slot - 1, 1)}
            height={tall}
          />
        )
      })}
      {[range.since, range.until].map((time, at) => (
        <rect key={at} class="brush-handle" x={x(time) - 3} y={18} width={6} height={32} rx={3} />
      ))}
      {[0, 0.25, 0.5, 0.75].map((part) => {
        const time = from + part * (end - from)
        return (
          <text key={part} class="tick" x={part * width} y={82}>
            {end - from > 2 * 24 * hour ? day(time) : minute(time)}
          </text>
        )
      })}
    </svg>
  )
}

const Counts = ({ counted, row }: { readonly counted: Estimate; readonly row: Destination | undefined }) => {
  const { arrived, passing, isPartial } = counted
  const about = isPartial ? "At least" : "About"
  const limit = row?.limit ?? null
  return (
    <div class="reply tone-flow" role="status">
      <div class="reply-head">
        <Glyph mark="delivered" />
        <b>
          {about} {count(passing)} of {plural(arrived, "event")}
        </b>
        <span>pass the filter of today</span>
      </div>
      <p>
        {isPartial &&
          "What arrived before this server started is not counted here, but replayed all the same. "}
        {limit !== null && passing > 0 && `About ${span((passing / limit) * 1000)} at its rate limit. `}
        It shares the rate limit with live traffic.
      </p>
    </div>
  )
}

const shareIn = (history: OutputOf<"destinations/history"> | null): number =>
  history === null ? 1 : shareOf(history)

const rangeSays = (problem: RangeProblem): string | null => {
  switch (problem) {
    case null:
      return null
    case "no time":
      return "Expected a time."
    case "in the future":
      return "It lies in the future."
    default:
      return "It ends before it begins."
  }
}

const words = {
  replay: {
    title: "Replay",
    text: "Sends a time range once more, beside live traffic. Events keep their timeUUID, so a receiver can tell that it has them.",
  },
  rewind: {
    title: "Rewind",
    text: "Puts the destination back: everything from then on is sent once more, in order, before anything new. Events keep their timeUUID.",
  },
}

/** A range, drawn over what arrived in it, and about how many events that is. */
export const ReplayDialog = ({ id, kind, onClose }: ReplayDialogProps) => {
  const { isBusy, failure, act } = useAct()
  const [range, pick] = useState<Range>(() => {
    const until = Math.floor(serverNow() / 60_000) * 60_000
    return { since: until - hour, until }
  })
  const isRewind = kind === "rewind"
  const meant = isRewind ? { since: range.since, until: serverNow() } : range
  const isLong = range.since < serverNow() - 24 * hour
  const arrived = useResource("intake/history", { range: isLong ? "7d" : "24h" })
  const own = useResource("destinations/history", { id, range: "24h" })
  const row = status.value?.destinations.find((one) => one.id === id)
  const problem = problemOf(meant, serverNow())
  const history = arrived.value.value
  const counted =
    history === null || problem !== null ? null : estimate(history, meant, shareIn(own.value.value))

  const begin = () => {
    if (isRewind) {
      return act(
        () => call("destinations/rewind", { id, since: range.since }),
        ({ events }) => {
          onClose()
          say(`${id} is put back by ${plural(events, "event")}`)
        },
      )
    }
    act(
      () => call("replay", { destination: id, ...range }),
      () => {
        onClose()
        say("Replay begun: its progress is on the destination's page")
        go(destinationHref(id, "overview"))
      },
    )
  }
  const why = rangeSays(problem) ?? (isBusy ? "It is being begun." : null)
  const field = (label: string, key: keyof Range) => (
    <Field label={label} mistake={key === "until" || isRewind ? rangeSays(problem) : null}>
      <TextInput
        type="datetime-local"
        value={Number.isNaN(range[key]) ? "" : toLocalInput(range[key])}
        onText={(text) => pick({ ...range, [key]: fromLocalInput(text) })}
      />
    </Field>
  )
  const { title, text } = words[kind]
  const number = counted === null ? "" : ` about ${count(counted.passing)}`
  return (
    <Dialog
      title={title}
      subtitle={id}
      size="medium"
      onClose={onClose}
      actions={
        <CancelOr kind={isRewind ? "danger" : "main"} off={why} onCancel={onClose} onClick={begin}>
          {isRewind ? `Rewind ${id}` : `Replay${number} to ${id}`}
        </CancelOr>
      }
    >
      <div class="form">
        <p>{text}</p>
        {history !== null && <Brush history={history} range={meant} onPick={pick} />}
        <div class="fields">
          {field("From", "since")}
          {!isRewind && field("To", "until")}
        </div>
        {counted !== null && <Counts counted={counted} row={row} />}
        {row !== undefined && stateOf(row) === "failing" && (
          <Notice tone="wait" title={`${id} is failing.`}>
            It begins once the receiver takes events again.
          </Notice>
        )}
        <Refused failure={failure} />
      </div>
    </Dialog>
  )
}
