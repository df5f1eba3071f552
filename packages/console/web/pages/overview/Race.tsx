import type { Destination, Status } from "../../api/rows.ts"
import { Pill } from "../../parts/Pill.tsx"
import { useWidth } from "../../parts/useWidth.ts"
import { destinationHref } from "../../state/route.ts"
import { stateOf } from "../../text/destinationState.ts"
import { lanesOf } from "../../text/lanes.ts"
import { count, plural, short } from "../../text/numbers.ts"
import { span } from "../../text/times.ts"
import { states } from "../../text/words.ts"
import {
  breadth,
  dammed,
  laneHeight,
  laneSays,
  levelSays,
  mostLanes,
  pond,
  pool,
  restSays,
  seen,
} from "./race.ts"

const basinHeight = 124

/** Two lines of light on water that flows fast enough to be seen. */
const ripples = [-0.24, 0.2]

const Channel = ({
  d,
  broad,
  still = false,
}: {
  readonly d: string
  readonly broad: number
  readonly still?: boolean
}) => (
  <>
    <path class={`channel ${still ? "is-still" : "is-flow"}`} d={d} stroke-width={broad} />
    {!still &&
      broad > 4 &&
      ripples.map((off, at) => (
        <path
          key={off}
          class={`ripple is-${at}`}
          d={d}
          transform={`translate(0 ${(off * broad).toFixed(1)})`}
        />
      ))}
  </>
)

interface LaneProps {
  readonly row: Destination
  /** Where it leaves the log, where it ends, and how high it lies. */
  readonly from: { readonly x: number; readonly y: number }
  readonly width: number
  readonly y: number
}

const LanePicture = ({ row, from, width, y }: LaneProps) => {
  const state = stateOf(row)
  const { tone } = states[state]
  const out = width - from.x
  const gate = from.x + out * 0.62
  const bend = from.x + out * 0.34
  const curve = `M${from.x - 1} ${from.y}C${bend} ${from.y} ${from.x + 8} ${y} ${bend + 14} ${y}`
  const broad = breadth(row.rate)
  const water = pool(row.pending)
  if (state === "flowing") return <Channel d={`${curve}H${width}`} broad={broad} />
  if (state === "behind")
    return (
      <>
        <Channel d={`${curve}H${gate - water / 2}`} broad={broad} />
        <Channel d={`M${gate + water / 2} ${y}H${width}`} broad={broad} />
        {water > 0 && <path class="pool" d={pond(gate, y, water, broad / 2)} />}
      </>
    )
  const shut = gate + water / 2
  return (
    <>
      <Channel d={`${curve}H${gate - water / 2 + 1}`} broad={3} still />
      <line class="dry-bed" x1={shut + 6} x2={width} y1={y} y2={y} />
      {water > 0 && <path class="pool" d={dammed(shut, y, water)} />}
      <line class={`gate tone-${tone}`} x1={shut + 1} x2={shut + 1} y1={y - 15} y2={y + 15} />
    </>
  )
}

const Picture = ({
  status,
  shown,
  height,
}: {
  readonly status: Status
  readonly shown: ReadonlyArray<Destination>
  readonly height: number
}) => {
  const [box, width] = useWidth<HTMLDivElement>()
  const { store, intake } = status
  const mid = height / 2
  const basin = { x: width * 0.24, width: Math.min(116, width * 0.28), y: mid - basinHeight / 2 }
  const level =
    store.bytes === null || !store.cap ? 0 : Math.min(store.bytes / store.cap, 1) * (basinHeight - 3)
  const out = basin.x + basin.width
  const centre = basin.x + basin.width / 2
  const spread = Math.min(20, (basinHeight - 28) / Math.max(shown.length - 1, 1))
  return (
    <div ref={box} class="race-canvas" style={{ height: `${height}px` }}>
      {/* Narrow screens have it in the list. */}
      {width >= 60 && (
        <svg width={width} height={height} aria-hidden="true">
          <Channel d={`M0 ${mid}H${basin.x + 2}`} broad={breadth(intake.rate)} still={intake.rate <= 0} />
          {shown.map((row, at) => (
            <LanePicture
              key={row.id}
              row={row}
              from={{ x: out, y: mid + (at - (shown.length - 1) / 2) * spread }}
              width={width}
              y={at * laneHeight + laneHeight / 2 + (height - shown.length * laneHeight) / 2}
            />
          ))}
          <rect class="basin" x={basin.x} y={basin.y} width={basin.width} height={basinHeight} rx={6} />
          <rect
            class="basin-water"
            x={basin.x + 1.5}
            y={basin.y + basinHeight - level - 1.5}
            width={Math.max(basin.width - 3, 0)}
            height={level}
            rx={4.5}
          />
          <text class="basin-text" x={centre} y={basin.y + basinHeight - 56}>
            the log
          </text>
          <text class="basin-text is-small" x={centre} y={basin.y + basinHeight - 38}>
            {levelSays(store)}
          </text>
          {store.keepFor !== null && (
            <text class="basin-text is-small" x={centre} y={basin.y + basinHeight - 21}>
              {store.keepFor % 86_400_000 === 0
                ? plural(store.keepFor / 86_400_000, "day")
                : span(store.keepFor)}{" "}
              kept
            </text>
          )}
        </svg>
      )}
    </div>
  )
}

const Arriving = ({ status: { intake, startedAt, at } }: { readonly status: Status }) => {
  const isToday = new Date(startedAt).toISOString().slice(0, 10) < new Date(at).toISOString().slice(0, 10)
  return (
    <div class="race-in">
      <span class="label">Arriving</span>
      <b class="big">{count(intake.rate)}</b>
      <span class="unit">events/s</span>
      <dl class="pairs">
        <dt title={isToday ? "Since midnight UTC" : "Since this server started"}>
          Stored{isToday ? " today" : ""}
        </dt>
        <dd>{short(intake.stored)}</dd>
        <dt>Rejected</dt>
        <dd>
          {intake.rejected === 0 ? (
            "none"
          ) : (
            <a href="#/dead-letters?destination=intake">{count(intake.rejected)}</a>
          )}
        </dd>
        <dt>Refused</dt>
        <dd>
          {intake.refused === 0 ? (
            "none"
          ) : (
            <a href="#/health" title="Requests answered 401, 400 or 413">
              {plural(intake.refused, "request")}
            </a>
          )}
        </dd>
      </dl>
    </div>
  )
}

const Lane = ({
  row,
  arriving,
  now,
}: {
  readonly row: Destination
  readonly arriving: number
  readonly now: number
}) => {
  const state = states[stateOf(row)]
  return (
    <li
      class={`tone-${state.tone}`}
      style={{ height: `${laneHeight}px`, "--breadth": `${breadth(row.rate)}px` }}
    >
      <a class="lane" href={destinationHref(row.id)} data-row>
        <span class="lane-name">
          <b>{row.id}</b>
          <Pill tone={state.tone} word={state.word} />
        </span>
        <span class="lane-says">{laneSays(row, arriving, now)}</span>
        {row.pending > seen && (
          <span class="lane-waits">
            <b>{short(row.pending)}</b> wait
          </span>
        )}
      </a>
    </li>
  )
}

/** Events come in, lie in the log, and leave by a lane for each destination. */
export const Race = ({ status }: { readonly status: Status }) => {
  const { shown, rest } = lanesOf(status.destinations, mostLanes)
  const height = Math.max((shown.length + (rest.length > 0 ? 1 : 0)) * laneHeight, 176)
  return (
    <section class="card race" aria-labelledby="race-title">
      <h2 id="race-title" class="sr">
        From senders to destinations
      </h2>
      <Arriving status={status} />
      <Picture status={status} shown={shown} height={height} />
      <ul class="race-out">
        {shown.map((row) => (
          <Lane key={row.id} row={row} arriving={status.intake.rate} now={status.at} />
        ))}
        {rest.length > 0 && (
          <li class="tone-flow" style={{ height: `${laneHeight}px`, "--breadth": "5px" }}>
            <a class="lane" href="#/destinations" data-row>
              <span class="lane-name">{restSays(rest)}</span>
            </a>
          </li>
        )}
      </ul>
    </section>
  )
}
