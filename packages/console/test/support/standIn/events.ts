import type { Destination, EventAt, EventRow, EventTrace } from "../../../web/api/rows.ts"
import { names } from "./names.ts"
import { noise } from "./noise.ts"

const random = noise(20_261_118)
const pick = <A>(list: ReadonlyArray<A>): A => list[Math.floor(random() * list.length)]!
const hex = (length: number): string =>
  Array.from({ length }, () => "0123456789abcdef"[Math.floor(random() * 16)]).join("")

const sdks = [
  "javascript-client 3.33.5",
  "javascript-client-react 3.33.5",
  "statsig-node 6.5.2",
  "statsig-server-core-node 0.23.2",
  "ios-client 1.62.5",
  "android-client 5.1.1",
  "webhook",
]

const drawn = names.filter(({ volume }) => volume > 100)
const total = drawn.reduce((sum, { volume }) => sum + volume, 0)

const drawName = () => {
  let left = random() * total
  for (const one of drawn) {
    left -= one.volume
    if (left < 0) return one
  }
  return drawn[0]!
}

let position = 1_000_000

export interface Wanted {
  readonly user?: string
  readonly name?: string
  readonly category?: string
  readonly text?: string
}

/** One more event at the end of the only partition. */
export const nextRow = (t: number, wanted: Wanted = {}): EventRow => {
  const { eventName, category } =
    wanted.name === undefined
      ? wanted.category === undefined
        ? drawName()
        : pick(names.filter((one) => one.category === wanted.category))
      : { eventName: wanted.name, category: "custom" as const }
  position += 1
  const isMoney = eventName === "checkout_completed"
  const isCustom = category === "custom" || category === "exposures"
  const marks = [
    isMoney ? "p" : "f",
    isCustom && random() < 0.4 ? "p" : "f",
    random() < 0.3 ? "p" : "f",
    "p",
    "p",
  ]
  return [
    `0/${String(position).padStart(12, "0")}/0`,
    t,
    eventName,
    category,
    wanted.user ?? `u_${10_000 + Math.floor(random() * 80_000)}`,
    isMoney ? (20 + random() * 400).toFixed(2) : "",
    pick(sdks),
    random() < 0.8 ? "web shop" : null,
    marks.join(""),
    `${hex(8)}-c4a1-11f1-9b7e-${hex(12)}`,
  ]
}

/** How far destinations have come that are `behind` events behind the newest. */
export const cursorAt = (behind: number): string => String(position - behind).padStart(12, "0")

const event = {
  eventName: "checkout_completed",
  user: {
    userID: "u_48213",
    email: "48213@mail.example",
    country: "DE",
    ip: "203.0.113.48",
    locale: "de_DE",
    custom: { tier: "gold", note: "<script>alert(1)</script>", marked: "a\u202Eb" },
    customIDs: { stableID: "0c1f7a9e-3b1d" },
  },
  value: "149.95",
  metadata: { cart_id: "c_8f21aa04", items: "3", currency: "EUR", payment: "card", loyalty_tier: "gold" },
  statsigMetadata: { sdkType: "statsig-node", sdkVersion: "6.5.2" },
  timestamp: 1_795_000_000_000,
  timeUUID: "9f2c41d0-c4a1-11f1-9b7e-1d2c3b4a5968",
}

const placesOf = (destinations: ReadonlyArray<Destination>, at: number): ReadonlyArray<EventAt> => {
  const leaves = JSON.stringify(event)
  const none = { dropped: [], hashed: [] }
  const places: Readonly<Record<string, Omit<EventAt, "destination">>> = {
    billing: {
      is: { _tag: "Failing", ahead: 369_398, status: 503, error: null, nextAt: at + 600_000 },
      leaves,
      fields: { dropped: ["user.ip"], hashed: ["user.email"] },
    },
    "fraud-scoring": { is: { _tag: "Queued", ahead: 812_406, about: 480_000 }, leaves, fields: none },
    "growth-crm": {
      is: {
        _tag: "Dead",
        reason: "refused",
        message: "unknown attribute: loyalty_tier",
        status: 422,
        at: at + 1_900,
        replayedAt: null,
      },
      leaves,
      fields: { dropped: ["user.ip", "user.custom"], hashed: [] },
    },
    "staging-mirror": {
      is: { _tag: "Paused", reason: "by-hand", since: at - 78_000_000, ahead: 9_914_220 },
      leaves,
      fields: { dropped: [], hashed: ["user.userID"] },
    },
    warehouse: {
      is: {
        _tag: "Delivered",
        at: at + 780,
        status: 202,
        duration: 84,
        events: 163,
        webhookId: "msg_5dd0c94c27b1e07f",
      },
      leaves,
      fields: none,
    },
  }
  return destinations.flatMap(({ id }) => {
    const place = places[id]
    return place === undefined ? [] : [{ destination: id, ...place }]
  })
}

export const traceOf = (row: EventRow, destinations: ReadonlyArray<Destination>): EventTrace => {
  const came = JSON.stringify({ ...event, eventName: row[2], user: { ...event.user, userID: row[4] } })
  return {
    row,
    timeUUID: event.timeUUID,
    came,
    bytes: came.length,
    request: {
      entryId: hex(32),
      index: 10,
      of: 19,
      receivedAt: row[1],
      offset: 0,
      dialect: "sdk",
      sdk: row[6],
      key: row[7],
    },
    places: placesOf(destinations, row[1]),
  }
}
