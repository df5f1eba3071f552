import type { DeadLetters } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Row, Value } from "../driver.ts"
import { type Limits, lettersPerCall } from "../limits.ts"
import { number, numberOrNull, rows, text } from "../row.ts"
import type { Progress } from "./records.ts"

export const letterOf = (row: Row): DeadLetters.DeadLetter => ({
  destination: text(row, "destination"),
  eventId: text(row, "event_id"),
  reason: text(row, "reason") as DeadLetters.DeadReason,
  message: text(row, "message"),
  status: numberOrNull(row, "status"),
  deadAt: number(row, "dead_at"),
  receivedAt: number(row, "received_at"),
  eventName: text(row, "event_name"),
  event: text(row, "event"),
  replayedAt: numberOrNull(row, "replayed_at"),
})

/** Text only, as the port's other stores count it. */
const sizeOf = ({ event, eventName, message }: DeadLetters.DeadLetter): number =>
  event.length + eventName.length + message.length

const conditionOf = ({
  destination,
  eventIds,
  before,
}: DeadLetters.DeadLetterSelection): { readonly sql: string; readonly parameters: ReadonlyArray<Value> } => ({
  sql: [
    destination === undefined ? "true" : "destination = ?",
    eventIds === undefined ? "true" : "event_id IN (SELECT value FROM json_each(?))",
    before === undefined ? "true" : "dead_at < ?",
  ].join(" AND "),
  parameters: [
    ...(destination === undefined ? [] : [destination]),
    ...(eventIds === undefined ? [] : [JSON.stringify(eventIds)]),
    ...(before === undefined ? [] : [before]),
  ],
})

export const deadLetters = (connection: Connection, limits: Limits["deadLetters"]) => {
  const put = (letter: DeadLetters.DeadLetter): void => {
    // Not REPLACE, which fires no trigger for what it removes.
    connection.run(
      "DELETE FROM dead_letters WHERE destination = ? AND event_id = ?",
      letter.destination,
      letter.eventId,
    )
    connection.run(
      `INSERT INTO dead_letters (dead_at, bytes, destination, event_id, reason, status, received_at, replayed_at,
         event_name, message, event)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      letter.deadAt,
      sizeOf(letter),
      letter.destination,
      letter.eventId,
      letter.reason,
      letter.status,
      letter.receivedAt,
      letter.replayedAt,
      letter.eventName,
      letter.message,
      letter.event,
    )
  }

  const dropOld = (now: number): void => {
    let last = 0
    for (;;) {
      const row = connection.get(
        "SELECT sequence, dead_at FROM dead_letters WHERE sequence > ? ORDER BY sequence LIMIT 1",
        last,
      )
      if (row === undefined || number(row, "dead_at") >= now - limits.maxAge) break
      last = number(row, "sequence")
    }
    if (last > 0) connection.run("DELETE FROM dead_letters WHERE sequence <= ?", last)
  }

  /** How many letters of intake there are, which have a place of their own. */
  const countOfIntake = (): number =>
    number(
      connection.get("SELECT count(*) AS letters FROM dead_letters WHERE destination = ?", limits.intake) ??
        {},
      "letters",
    )

  const bytesOfIntake = (): number =>
    number(
      connection.get(
        "SELECT coalesce(sum(bytes), 0) AS bytes FROM dead_letters WHERE destination = ?",
        limits.intake,
      ) ?? {},
      "bytes",
    )

  /**
   * Drops the oldest letters of intake, as long as they are too many. Returns how many are left.
   */
  const makeRoomForIntake = (): number => {
    const letters = countOfIntake()
    if (letters <= limits.maxIntakeCount) return letters
    connection.run(
      `DELETE FROM dead_letters WHERE sequence IN (
         SELECT sequence FROM dead_letters WHERE destination = ? ORDER BY sequence LIMIT ?
       )`,
      limits.intake,
      letters - limits.maxIntakeCount,
    )
    return limits.maxIntakeCount
  }

  /** Drops the oldest letters of destinations, as long as those are too many. */
  const makeRoomForDestinations = (lettersOfIntake: number): void => {
    const totals = connection.get("SELECT letters, bytes FROM dead_letter_totals") ?? {}
    let letters = number(totals, "letters") - lettersOfIntake
    let bytes = number(totals, "bytes")
    // Only then it matters how many of them are intake's, and to add those up takes a while.
    if (bytes > limits.maxBytes) bytes -= bytesOfIntake()
    let last = 0
    while (letters > limits.maxCount || bytes > limits.maxBytes) {
      const row = connection.get(
        `SELECT sequence, bytes FROM dead_letters WHERE sequence > ? AND destination <> ?
         ORDER BY sequence LIMIT 1`,
        last,
        limits.intake,
      )
      if (row === undefined) break
      letters -= 1
      bytes -= number(row, "bytes")
      last = number(row, "sequence")
    }
    if (last > 0) {
      connection.run("DELETE FROM dead_letters WHERE sequence <= ? AND destination <> ?", last, limits.intake)
    }
  }

  /** The next of a selection's letters, by the order of their arrival. */
  const some = (selection: DeadLetters.DeadLetterSelection, after: number): ReadonlyArray<number> => {
    const { sql, parameters } = conditionOf(selection)
    // Without statistics SQLite would rather scan.
    const index = selection.eventIds === undefined ? "" : "INDEXED BY dead_letters_by_event"
    return connection
      .all(
        `SELECT sequence FROM dead_letters ${index} WHERE sequence > ? AND ${sql} ORDER BY sequence LIMIT ?`,
        after,
        ...parameters,
        lettersPerCall,
      )
      .map((row) => number(row, "sequence"))
  }

  const progressOf = (sequences: ReadonlyArray<number>): Progress => ({
    count: sequences.length,
    next: sequences.length === lettersPerCall ? (sequences.at(-1) ?? null) : null,
  })

  return {
    put(letters: ReadonlyArray<DeadLetters.DeadLetter>, now: number): void {
      for (const letter of letters) put(letter)
      dropOld(now)
      makeRoomForDestinations(makeRoomForIntake())
    },

    list({
      destination,
      limit = 100,
      below,
    }: Omit<DeadLetters.DeadLetterQuery, "after"> & { readonly below: number }): DeadLetters.DeadLetterPage {
      const found = connection.all(
        `SELECT * FROM dead_letters
         WHERE ${destination === undefined ? "true" : "destination = ?"} AND sequence < ?
         ORDER BY sequence DESC LIMIT ?`,
        ...(destination === undefined ? [] : [destination]),
        below,
        // One more than asked for tells whether there is a next page.
        rows(limit) + 1,
      )
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return {
        letters: page.map(letterOf),
        next: found.length > limit && last !== undefined ? String(number(last, "sequence")) : null,
      }
    },

    count: (): ReadonlyMap<string, number> =>
      new Map(
        connection
          .all("SELECT destination, count(*) AS letters FROM dead_letters GROUP BY destination")
          .map((row) => [text(row, "destination"), number(row, "letters")]),
      ),

    markReplayed(selection: DeadLetters.DeadLetterSelection, at: number, after: number): Progress {
      const sequences = some(selection, after)
      for (const sequence of sequences) {
        connection.run("UPDATE dead_letters SET replayed_at = ? WHERE sequence = ?", at, sequence)
      }
      return progressOf(sequences)
    },

    purge(selection: DeadLetters.DeadLetterSelection, after: number): Progress {
      const sequences = some(selection, after)
      for (const sequence of sequences)
        connection.run("DELETE FROM dead_letters WHERE sequence = ?", sequence)
      return progressOf(sequences)
    },
  }
}

export type DeadLettersTable = ReturnType<typeof deadLetters>
