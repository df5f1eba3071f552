import type { Connection } from "../Connection.ts"
import { corrupt } from "../errors.ts"
import { number, numberOrNull, text } from "../row.ts"
import { type EntryRow, rowAfter } from "./EntryRows.ts"
import type { Examined } from "./records.ts"

/** How many of SQLite's own findings are told: one damaged page makes many. */
const mostFindings = 3

/** What SQLite says when it finds nothing. */
const nothing = "ok"

/**
 * Looks for damage, and changes nothing. It reads through a connection of its own: it takes long.
 */
export const examination = (connection: Connection) => {
  const check = (argument: string): ReadonlyArray<string> =>
    connection
      .all(`PRAGMA quick_check(${argument})`)
      .map((row) => text(row, "quick_check"))
      .filter((found) => found !== nothing)
      .slice(0, mostFindings)

  /** The row behind an entry; `null` for one that cannot be read whole. */
  const readable = (after: number): EntryRow | null => {
    try {
      return rowAfter(connection, after)
    } catch {
      return null
    }
  }

  /** How far what cannot be read reaches, from one entry up to another at the most. */
  const reachOfDamage = (after: number, head: number): number => {
    let bad = after
    let good = head
    for (let step = 1; bad + step < head; step *= 2) {
      if (readable(bad + step) !== null) {
        good = bad + step
        break
      }
      bad += step
    }
    // Somewhere between the two it ends.
    while (bad + 1 < good) {
      const middle = Math.floor((bad + good) / 2)
      if (readable(middle) === null) bad = middle
      else good = middle
    }
    const next = good < head ? readable(good) : null
    return next === null ? good : next.first - 1
  }

  return {
    size: (): number =>
      number(
        connection.get("SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size") ??
          {},
        "size",
      ),

    /** Everything but whether indexes agree with their tables: reads the whole file. */
    whole: (): ReadonlyArray<string> => check(String(mostFindings)),

    table: (name: string): ReadonlyArray<string> => check(`'${name}'`),

    /** Between which entries the log lies, without looking at any of them. */
    extent: (): { readonly tail: number; readonly head: number } => {
      const row = connection.get(
        "SELECT tail, (SELECT seq FROM sqlite_sequence WHERE name = 'entries') AS head FROM log",
      )
      if (row === undefined) throw corrupt("the log's row is missing")
      return { tail: number(row, "tail"), head: numberOrNull(row, "head") ?? 0 }
    },

    /** Reads entries whole, those after a position up to another, for so many ms. */
    entries(after: number, head: number, millis: number): Examined {
      const until = performance.now() + millis
      const damaged: Array<readonly [first: number, last: number]> = []
      let at = after
      while (at < head && performance.now() < until) {
        const row = readable(at)
        const isNext = row !== null && row.first <= at + 1
        const last = isNext ? row.mark.position : row === null ? reachOfDamage(at, head) : row.first - 1
        if (!isNext) damaged.push([at + 1, last])
        at = Math.max(last, at + 1)
      }
      return { upTo: at, damaged }
    },
  }
}

export type ExaminationTable = ReturnType<typeof examination>
