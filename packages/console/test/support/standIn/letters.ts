import type { Cause, OutputOf } from "../../../web/api/rows.ts"
import { noise } from "./noise.ts"

type Letter = OutputOf<"dead-letters/list">["letters"][number]

const minute = 60_000

interface Kind {
  readonly destination: string
  readonly reason: Letter["reason"]
  readonly status: number | null
  readonly pattern: string
  readonly message: (at: number) => string
  readonly name: string
  readonly count: number
  readonly last: number
  readonly every: number
}

const kinds: ReadonlyArray<Kind> = [
  {
    destination: "growth-crm",
    reason: "refused",
    status: 422,
    pattern: 'answered 422: {"error":"unknown attribute: loyalty_tier"}',
    message: () => 'answered 422: {"error":"unknown attribute: loyalty_tier"}',
    name: "checkout_completed",
    count: 198,
    last: 2,
    every: 1.4,
  },
  {
    destination: "billing",
    reason: "refused",
    status: 400,
    pattern: "answered 400: amount … must be positive",
    message: (at) => `answered 400: amount -${at} must be positive`,
    name: "checkout_started",
    count: 172,
    last: 174,
    every: 3,
  },
  {
    destination: "intake",
    reason: "invalid",
    status: null,
    pattern: "events[…].eventName: expected a string",
    message: (at) => `events[${at % 9}].eventName: expected a string`,
    name: "<img src=x onerror=alert(1)>",
    count: 37,
    last: 11,
    every: 0.2,
  },
  {
    destination: "growth-crm",
    reason: "too-large",
    status: 413,
    pattern: "answered 413 to this event alone",
    message: () => "answered 413 to this event alone",
    name: "page_viewed",
    count: 16,
    last: 1_100,
    every: 200,
  },
  {
    destination: "warehouse",
    reason: "poison",
    status: 500,
    pattern: "answered 500 to this event alone, while others passed",
    message: () => "answered 500 to this event alone, while others passed",
    name: "coupon_rejected",
    count: 12,
    last: 3_000,
    every: 11,
  },
  {
    destination: "fraud-scoring",
    reason: "unexportable",
    status: null,
    pattern: "the transform has thrown: …",
    message: () => "the transform has thrown: cannot read \u202Egnihton",
    name: "refund\u202Edeussi",
    count: 3,
    last: 5_000,
    every: 60,
  },
]

const random = noise(11)

const id = (): string =>
  [8, 4, 4, 4, 12]
    .map((length) => Array.from({ length }, () => "0123456789abcdef"[Math.floor(random() * 16)]).join(""))
    .join("-")

const lettersOf = (kind: Kind, now: number): Array<Letter> =>
  Array.from({ length: kind.count }, (_, at) => {
    const deadAt = Math.round(now - (kind.last + at * kind.every) * minute)
    return {
      destination: kind.destination,
      eventId: id(),
      reason: kind.reason,
      message: kind.message(at),
      status: kind.status,
      deadAt,
      receivedAt: deadAt - 900,
      eventName: kind.name,
      event: JSON.stringify({
        eventName: kind.name,
        user: { userID: `u_${10_000 + Math.floor(random() * 80_000)}`, country: "DE" },
        value: "149.95",
        metadata: { loyalty_tier: "gold", marked: "a\u202Eb", note: "javascript:alert(1)" },
        time: deadAt,
      }),
      replayedAt: null,
    }
  })

/** Dead letters of a shop, the newest first. */
export const lettersAt = (now: number): Array<Letter> =>
  kinds.flatMap((kind) => lettersOf(kind, now)).sort((a, b) => b.deadAt - a.deadAt)

const kindOf = ({ destination, reason, status }: Letter): Kind =>
  kinds.find((kind) => kind.destination === destination && kind.reason === reason && kind.status === status)!

export const isOfCause = (letter: Letter, cause: Pick<Cause, "reason" | "pattern" | "status">): boolean =>
  letter.reason === cause.reason && letter.status === cause.status && kindOf(letter).pattern === cause.pattern

export const causesOf = (letters: ReadonlyArray<Letter>): ReadonlyArray<Cause> =>
  kinds.flatMap((kind): ReadonlyArray<Cause> => {
    const own = letters.filter((letter) => kindOf(letter) === kind)
    if (own.length === 0) return []
    return [
      {
        destination: kind.destination,
        reason: kind.reason,
        pattern: kind.pattern,
        status: kind.status,
        count: own.length,
        replayed: own.filter(({ replayedAt }) => replayedAt !== null).length,
        first: own.at(-1)!.deadAt,
        last: own[0]!.deadAt,
        names: [kind.name],
      },
    ]
  })
