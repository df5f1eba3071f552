import type { EventLog, StoreError } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const bytes = (text: string): Uint8Array => encoder.encode(text)

export const idOf = (number: number): EventLog.EntryId => number.toString(16).padStart(32, "0")

/**
 * An entry told apart by a number. `size` is what its envelope and body take together, at least 32.
 */
export const entry = (
  number: number,
  { events = 1, size }: { readonly events?: number; readonly size?: number } = {},
): EventLog.NewEntry => {
  const envelope = `{"v":1,"n":${number}}`
  const body =
    size === undefined
      ? bytes(`{"events":[${number}]}`)
      : new Uint8Array(size - envelope.length).fill(number % 251)
  return { id: idOf(number), events, envelope, body }
}

export const entries = (from: number, to: number, size?: number): ReadonlyArray<EventLog.NewEntry> =>
  Array.from({ length: to - from + 1 }, (_, index) => entry(from + index, size === undefined ? {} : { size }))

export const sizeOf = ({ envelope, body }: EventLog.NewEntry): number =>
  bytes(envelope).byteLength + body.byteLength

/** What went in, in a form that compares by value and prints well. */
export const content = ({ id, events, envelope, body }: EventLog.NewEntry) => ({
  id,
  events,
  envelope,
  body: decoder.decode(body),
})

export const ids = (found: ReadonlyArray<EventLog.NewEntry>): ReadonlyArray<EventLog.EntryId> =>
  found.map(({ id }) => id)

/** More than any test holds, for reads that mean "all". */
export const all: EventLog.ReadLimits = { maxEntries: 1_000_000, maxBytes: 1_000_000_000 }

/** Later than every test's clock, within what any store can write down. */
export const never = Number.MAX_SAFE_INTEGER

/** Reads to the head in pages. */
export const readAll = (
  log: EventLog.EventLog["Service"],
  {
    after = Position.origin,
    limits = { maxEntries: 1000, maxBytes: 16 * 1024 * 1024 },
    partition = 0,
  }: {
    readonly after?: Position.Position
    readonly limits?: EventLog.ReadLimits
    readonly partition?: number
  } = {},
): Effect.Effect<ReadonlyArray<EventLog.LogEntry>, StoreError> =>
  Effect.gen(function* () {
    const found: Array<EventLog.LogEntry> = []
    let from = after
    for (;;) {
      const page = yield* log.read(partition, from, limits)
      const last = page.at(-1)
      if (last === undefined) return found
      found.push(...page)
      from = last.position
    }
  })

/** The position of an append of one entry. */
export const appendOne = (
  log: EventLog.EventLog["Service"],
  added: EventLog.NewEntry,
): Effect.Effect<Position.Position, StoreError> =>
  Effect.map(log.append([added]), ([position]) => {
    if (position === undefined) throw new Error("append returned no position for its entry")
    return position
  })
