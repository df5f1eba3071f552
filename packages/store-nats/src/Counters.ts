import { randomBytes } from "node:crypto"
import { Counters, type StoreError } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { byText } from "./order.ts"
import type { Table } from "./Table.ts"

/** What one process has counted of some names in an hour. */
export type CounterRow = ReadonlyArray<readonly [eventName: string, count: number]>

/** A row is written whole with each change, so it is kept small. */
const perRow = { names: 250, characters: 32_768 }

/** A name that long is counted with the others: it would not fit a message. */
const maxName = 100_000

/** Hours that are still being counted; what comes for an earlier one begins new rows. */
const openHours = 3

const concurrency = 32

interface OpenRow {
  readonly key: string
  readonly counts: Map<string, number>
  characters: number
}

interface OpenHour {
  readonly rows: Array<OpenRow>
  readonly rowOf: Map<string, OpenRow>
}

/** Reads the hour of a key, which is the hour, the process that counted, the number of the row. */
const hourOf = (key: string): number => Number(key.split(".", 1)[0])

/** The name that it is counted under, beside those there are. */
const countedAs = (
  eventName: string,
  names: { readonly size: number; readonly has: (name: string) => boolean },
): string => {
  const others = names.has(Counters.otherNames) ? 1 : 0
  const hasRoom = names.has(eventName) || names.size - others < Counters.limits.maxNamesPerHour
  return hasRoom && eventName.length <= maxName ? eventName : Counters.otherNames
}

/**
 * Each process writes rows of its own and nobody else's, so that adding takes no look at what is
 * there; they are added up on reading.
 */
export const make = (table: Table<CounterRow>): Counters.Counters["Service"] => {
  let open = new Map<number, OpenHour>()

  const begin = (hour: number): OpenHour => {
    const made: OpenHour = { rows: [], rowOf: new Map() }
    open.set(hour, made)
    open = new Map([...open].sort(([a], [b]) => b - a).slice(0, openHours))
    return made
  }

  const beginRow = (hour: number, rows: Array<OpenRow>): OpenRow => {
    const key = `${hour}.${randomBytes(8).toString("hex")}`
    const row: OpenRow = { key, counts: new Map(), characters: 0 }
    rows.push(row)
    return row
  }

  const rowFor = (hour: number, { rows, rowOf }: OpenHour, name: string): OpenRow => {
    const known = rowOf.get(name)
    if (known !== undefined) return known
    const last = rows.at(-1)
    const isFull =
      last === undefined || last.counts.size >= perRow.names || last.characters >= perRow.characters
    const row = isFull ? beginRow(hour, rows) : last
    row.characters += name.length
    rowOf.set(name, row)
    return row
  }

  /** Returns the row that holds it now. */
  const count = (hour: number, eventName: string, added: number): readonly [OpenRow, string] => {
    const current = open.get(hour) ?? begin(hour)
    const name = countedAs(eventName, current.rowOf)
    const row = rowFor(hour, current, name)
    row.counts.set(name, (row.counts.get(name) ?? 0) + added)
    return [row, name]
  }

  const dropBefore = Effect.fnUntraced(function* (time: number) {
    const keys = (yield* table.keys).filter((key) => hourOf(key) < time)
    yield* Effect.forEach(keys, (key) => table.remove(key), { concurrency, discard: true })
  })

  const add = Effect.fnUntraced(function* (counts: ReadonlyArray<Counters.HourlyCount>) {
    const oldest = (yield* Clock.currentTimeMillis) - Counters.limits.maxAge
    const recent = counts.filter(({ hour }) => hour >= oldest)
    const isNewHour = recent.some(({ hour }) => !open.has(hour))
    const added = recent.map((one) => [...count(one.hour, one.eventName, one.count), one.count] as const)
    const undo = Effect.sync(() => {
      for (const [row, name, more] of added) row.counts.set(name, (row.counts.get(name) ?? 0) - more)
    })
    const write: Effect.Effect<void, StoreError> = Effect.forEach(
      new Set(added.map(([row]) => row)),
      ({ key, counts: of }) => Effect.suspend(() => table.put(key, [...of])),
      { concurrency, discard: true },
    )
    yield* Effect.onError(write, () => undo)
    if (isNewHour) yield* dropBefore(oldest)
  })

  const list = Effect.fnUntraced(function* (from: number, to: number) {
    const keys = (yield* table.keys).filter((key) => hourOf(key) >= from && hourOf(key) < to)
    const hours = new Map<number, Map<string, number>>()
    for (const { key, value } of yield* table.getAll(keys)) {
      const hour = hourOf(key)
      const names = hours.get(hour) ?? new Map<string, number>()
      hours.set(hour, names)
      for (const [eventName, added] of value) {
        const name = countedAs(eventName, names)
        names.set(name, (names.get(name) ?? 0) + added)
      }
    }
    return [...hours]
      .flatMap(([hour, names]) => [...names].map(([eventName, total]) => ({ hour, eventName, count: total })))
      .sort((a, b) => a.hour - b.hour || byText(a.eventName, b.eventName))
  })

  return { add, list }
}
