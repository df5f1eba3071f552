import { useState } from "preact/hooks"
import { call } from "../../api/call.ts"
import type { EventAt, EventTrace } from "../../api/rows.ts"
import { Button } from "../../parts/Button.tsx"
import { Copy, Mono } from "../../parts/Copy.tsx"
import { Facts } from "../../parts/Facts.tsx"
import { Said } from "../../parts/Field.tsx"
import { Glyph } from "../../parts/Glyph.tsx"
import { Json } from "../../parts/Json.tsx"
import { type Resource, useResource } from "../../parts/Load.tsx"
import { Menu } from "../../parts/Menu.tsx"
import { Failure, Skeleton } from "../../parts/Notice.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { Segments } from "../../parts/Segments.tsx"
import { Sentence } from "../../parts/Sentence.tsx"
import { Time } from "../../parts/Time.tsx"
import { useAct } from "../../parts/useAct.ts"
import { say } from "../../state/messages.ts"
import { valuesAreHidden } from "../../state/preferences.ts"
import { destinationHref, go, href } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { shown } from "../../text/escape.ts"
import { masked } from "../../text/mask.ts"
import { bytes, count } from "../../text/numbers.ts"
import { exact, span } from "../../text/times.ts"
import { leavingOf, parsed } from "./leaves.ts"
import { happenedBefore, whereItIs } from "./whereItIs.ts"

const Place = ({
  place,
  trace,
  now,
}: {
  readonly place: EventAt
  readonly trace: EventTrace
  readonly now: number
}) => {
  const { mark, said, button } = whereItIs(place, trace.request.receivedAt, now)
  const { failure, act } = useAct()
  const { destination } = place
  const press = () => {
    if (button === "Filter") return go(destinationHref(destination, "filter"))
    if (button === "Attempt") {
      const webhook = place.is._tag === "Delivered" ? place.is.webhookId : null
      return go(href(`destinations/${encodeURIComponent(destination)}/attempts`, { webhook }))
    }
    act(
      () => call("dead-letters/begin-replay", { destination, eventIds: [trace.timeUUID] }),
      () => say(`Sending it to ${destination} once more`),
    )
  }
  return (
    <li class="place">
      <Glyph mark={mark} />
      <div>
        <a href={destinationHref(destination)}>{destination}</a>
        <p>
          <Sentence said={said} />
        </p>
        <Said mistake={failure?.message} />
      </div>
      {button !== null && (
        <Button small changes={button === "Replay"} onClick={press}>
          {button}
        </Button>
      )}
    </li>
  )
}

const forms = ["As it leaves", "As it came"] as const

/** A payload that was cut is no JSON any more: its beginning is shown as it is. */
const Preview = ({
  text,
  all,
  onWhole,
}: {
  readonly text: string
  readonly all: number
  readonly onWhole: () => void
}) => (
  <>
    <p class="quiet">
      The first {bytes(text.length)} of {bytes(all)}.{" "}
      <Button small onClick={onWhole}>
        Show all of it
      </Button>
    </p>
    <pre class="json" tabIndex={0}>
      {shown(text)}
    </pre>
  </>
)

const Payload = ({ trace, onWhole }: { readonly trace: EventTrace; readonly onWhole: () => void }) => {
  const [form, setForm] = useState<(typeof forms)[number]>("As it leaves")
  const [picked, pick] = useState("")
  const isHidden = valuesAreHidden.value
  const leaving = trace.places.filter(({ leaves }) => leaves !== null)
  const place = leaving.find(({ destination }) => destination === picked) ?? leaving[0]
  const isCame = form === "As it came" || place === undefined
  const came = parsed(trace.came)
  const left = place === undefined ? null : parsed(place.leaves ?? "")
  const shownOf = (value: unknown) => (isHidden ? masked(value) : value)
  const draw = () => {
    if (isCame) {
      if (came === null) return <Preview text={trace.came} all={trace.bytes} onWhole={onWhole} />
      return <Json value={shownOf(came.value)} label="The event as it came" />
    }
    if (left === null) return <Preview text={place.leaves ?? ""} all={trace.bytes} onWhole={onWhole} />
    const { value, changes } = leavingOf(left.value, came?.value, place.fields)
    return (
      <Json
        value={shownOf(value)}
        changes={changes}
        label={`The event as it leaves for ${place.destination}`}
      />
    )
  }
  return (
    <>
      <div class="panel-tabs">
        <Segments
          label="Form"
          options={place === undefined ? ["As it came"] : forms}
          value={isCame ? "As it came" : "As it leaves"}
          onPick={setForm}
        />
        {!isCame && (
          <select
            aria-label="Destination"
            value={place.destination}
            onChange={(event) => pick(event.currentTarget.value)}
          >
            {leaving.map(({ destination }) => (
              <option key={destination} value={destination}>
                {destination}
              </option>
            ))}
          </select>
        )}
      </div>
      {draw()}
    </>
  )
}

const Came = ({ trace }: { readonly trace: EventTrace }) => {
  const { request, row } = trace
  const before = happenedBefore(parsed(trace.came)?.value, request.receivedAt, request.offset)
  const [, , , , user] = row
  return (
    <Facts
      of={[
        [
          "Arrived",
          <Time at={request.receivedAt} text={exact(request.receivedAt)} />,
          before !== null && `happened ${span(before)} before`,
        ],
        [
          "User",
          user === "" ? <span class="ink-3">none</span> : <a href={href("live", { user })}>{shown(user)}</a>,
        ],
        ["Sender", shown(request.sdk), request.key !== null && `key "${shown(request.key)}"`],
        ["Request", `event ${count(request.index + 1)} of ${count(request.of)}`, request.dialect],
      ]}
    />
  )
}

interface EventPanelProps {
  readonly which: { readonly place: string } | { readonly id: string }
  readonly onClose: () => void
}

/** One event, and where it is for each destination. */
export const EventPanel = ({ which, onClose }: EventPanelProps) => {
  const [isWhole, whole] = useState(false)
  const trace: Resource<EventTrace> = useResource("events/get", isWhole ? { ...which, whole: true } : which)
  const value = trace.value.value
  const failure = trace.failure.value
  const title = value === null ? "Event" : shown(value.row[2])
  const now = status.value?.at ?? Date.now()
  return (
    <Panel
      title={title}
      isCode={value !== null}
      subtitle={value !== null && <Mono text={value.timeUUID} />}
      closing="Close the event"
      onClose={onClose}
      menu={
        value !== null && (
          <>
            <Copy
              text={`${location.href.split("#")[0]}${href("live", { event: value.timeUUID })}`}
              label="Copy a link to this event"
            />
            <Menu
              label="More"
              items={[
                { text: "Only this name", href: href("live", { name: value.row[2] }) },
                ...(value.row[4] === ""
                  ? []
                  : [{ text: "Watch this user", href: href("live", { user: value.row[4] }) }]),
              ]}
            />
          </>
        )
      }
    >
      {failure !== null && <Failure failure={failure} retry={trace.reload} />}
      {value === null && failure === null && trace.isSlow.value && <Skeleton rows={10} />}
      {value !== null && (
        <>
          <Came trace={value} />
          <h3>Where it is</h3>
          {value.places.length === 0 ? (
            <p class="quiet">Events go nowhere yet: there is no destination.</p>
          ) : (
            <ul class="places">
              {value.places.map((place) => (
                <Place key={place.destination} place={place} trace={value} now={now} />
              ))}
            </ul>
          )}
          <Payload trace={value} onWhole={() => whole(true)} />
        </>
      )}
    </Panel>
  )
}
