import { CursorName, type Cursors, type Generations, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { byText } from "./order.ts"
import { type Row, type Table, tokenOf } from "./Table.ts"

export interface CursorRow {
  readonly name: string
  /** `null`: `base` and the revision of this very write, as `acquire` leaves it. */
  readonly epoch: number | null
  /**
   * Revisions come again when the servers come back with less than they had given; what is added to
   * them grows with time.
   */
  readonly base?: number
  readonly record: Cursors.CursorRecord | null
}

/** Saves of different cursors under way at once. */
const concurrency = 128

const epochOf = ({ value, revision }: Row<CursorRow>): number => value.epoch ?? (value.base ?? 0) + revision

/** No server takes as many writes in one ms. */
const revisionsPerMilli = 1024

interface Owned {
  readonly epoch: number
  readonly revision: number
}

/**
 * The number of the furthest position that any cursor of a partition has, among those of these
 * generations. The cursors are read once for each connection: what the log may have lost was lost
 * before it.
 */
export const furthest = (table: Table<CursorRow>, connection: () => number) => {
  let readFor = -1
  let rows: ReadonlyArray<Row<CursorRow>> = []
  const alone = Semaphore.makeUnsafe(1)
  const read = alone.withPermits(1)(
    Effect.suspend(() => {
      const current = connection()
      if (readFor === current) return Effect.void
      return Effect.map(table.rows, (found) => {
        rows = found
        readFor = current
      })
    }),
  )
  return (partition: number, generations: Generations): Effect.Effect<number, StoreError> =>
    Effect.map(read, () => {
      const places = rows.flatMap(({ value: { name, record } }) => {
        if (record === null || CursorName.parseCursorName(name)?.partition !== partition) return []
        const place = generations.placeOf(record.position)
        return place.kind === "known" ? [place.number] : []
      })
      return Math.max(0, ...places)
    })
}

/** @param connection tells one from the next: revisions known from before may be given again */
export const make = (table: Table<CursorRow>, connection: () => number): Cursors.Cursors["Service"] => {
  /**
   * What was last written of the cursors saved from here: a save needs no look at what is there.
   */
  const owned = new Map<string, Owned>()
  let ownedOf = connection()
  const forgetAfterChange = (): void => {
    if (ownedOf === connection()) return
    ownedOf = connection()
    owned.clear()
  }

  const acquire = Effect.fnUntraced(function* (name: string) {
    const key = tokenOf(name)
    for (;;) {
      const row = yield* table.get(key)
      const record = row?.value.record ?? null
      // Behind the last one whatever this machine's clock says.
      const base = Math.max(Date.now() * revisionsPerMilli, row === null ? 0 : epochOf(row))
      const revision = yield* table.replace(key, { name, epoch: null, base, record }, row?.revision ?? 0)
      if (revision === null) continue
      const epoch = base + revision
      owned.set(name, { epoch, revision })
      const cursor: Cursors.Cursor = { name, epoch, record }
      return cursor
    }
  })

  const find = Effect.fnUntraced(function* (name: string, epoch: number) {
    const row = yield* table.get(tokenOf(name))
    return row !== null && epochOf(row) === epoch ? { epoch, revision: row.revision } : undefined
  })

  const saveOne = Effect.fnUntraced(function* ({ name, epoch, record }: Cursors.CursorSave) {
    forgetAfterChange()
    const known = owned.get(name)
    let held = known?.epoch === epoch ? known : yield* find(name, epoch)
    while (held !== undefined) {
      const revision = yield* table.replace(tokenOf(name), { name, epoch, record }, held.revision)
      if (revision !== null) {
        owned.set(name, { epoch, revision })
        return "saved"
      }
      held = yield* find(name, epoch)
    }
    if (owned.get(name)?.epoch === epoch) owned.delete(name)
    return "fenced"
  })

  const save = Effect.fnUntraced(function* (saves: ReadonlyArray<Cursors.CursorSave>) {
    const byName = new Map<string, Array<number>>()
    for (const [index, { name }] of saves.entries()) byName.set(name, [...(byName.get(name) ?? []), index])
    const outcomes: Array<Cursors.SaveOutcome> = saves.map(() => "fenced")
    yield* Effect.forEach(
      byName.values(),
      // Those of one name in their order.
      (indexes) =>
        Effect.forEach(
          indexes,
          (index) => {
            const one = saves[index]
            return one === undefined
              ? Effect.void
              : Effect.map(saveOne(one), (outcome) => {
                  outcomes[index] = outcome
                })
          },
          { discard: true },
        ),
      { concurrency, discard: true },
    )
    return outcomes
  })

  const list: Effect.Effect<ReadonlyArray<Cursors.Cursor>, StoreError> = Effect.map(table.rows, (rows) =>
    rows
      .map((row) => ({ name: row.value.name, epoch: epochOf(row), record: row.value.record }))
      .sort((a, b) => byText(a.name, b.name)),
  )

  return {
    acquire,
    save,
    list,
    remove: (name) =>
      Effect.suspend(() => {
        owned.delete(name)
        return table.remove(tokenOf(name))
      }),
  }
}
