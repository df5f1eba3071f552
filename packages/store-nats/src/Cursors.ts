import type { Cursors, StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import { byText } from "./order.ts"
import { type Row, type Table, tokenOf } from "./Table.ts"

export interface CursorRow {
  readonly name: string
  /** `null`: the revision of this very write, as `acquire` leaves it. Revisions never come again, so neither do epochs. */
  readonly epoch: number | null
  readonly record: Cursors.CursorRecord | null
}

/** Saves of different cursors under way at once. */
const concurrency = 128

const epochOf = ({ value, revision }: Row<CursorRow>): number => value.epoch ?? revision

interface Owned {
  readonly epoch: number
  readonly revision: number
}

export const make = (table: Table<CursorRow>): Cursors.Cursors["Service"] => {
  /** What was last written of the cursors saved from here: a save needs no look at what is there. */
  const owned = new Map<string, Owned>()

  const acquire = Effect.fnUntraced(function* (name: string) {
    const key = tokenOf(name)
    for (;;) {
      const row = yield* table.get(key)
      const record = row?.value.record ?? null
      const epoch = yield* table.replace(key, { name, epoch: null, record }, row?.revision ?? 0)
      if (epoch === null) continue
      owned.set(name, { epoch, revision: epoch })
      const cursor: Cursors.Cursor = { name, epoch, record }
      return cursor
    }
  })

  const find = Effect.fnUntraced(function* (name: string, epoch: number) {
    const row = yield* table.get(tokenOf(name))
    return row !== null && epochOf(row) === epoch ? { epoch, revision: row.revision } : undefined
  })

  const saveOne = Effect.fnUntraced(function* ({ name, epoch, record }: Cursors.CursorSave) {
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
