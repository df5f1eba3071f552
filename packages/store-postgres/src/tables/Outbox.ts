import { DeadLetters, type Position } from "@millrace/core/store"
import type { PoolClient } from "pg"
import { type Database, list } from "../Database.ts"
import { checkRow, type OutboxRow } from "../outboxRow.ts"
import { inTransaction } from "../transaction.ts"
import { letterRows } from "./DeadLetters.ts"
import type { LogLimits, log } from "./Log.ts"

export interface Moved {
  /** Rows that have left the outbox. */
  readonly count: number
  /** Events, or rows of which nothing can be read, that have become dead letters. */
  readonly letters: number
  /** The last position they got; `null` when none was moved. */
  readonly head: Position.Position | null
  /** A segment of the log has been closed: it is time to see whether others can be emptied. */
  readonly closed: boolean
}

/**
 * How long a process keeps the lease without moving anything, in ms: another one takes over then.
 */
const lease = 5000

/** What is moved in one transaction. */
const piece = { entries: 1000, bytes: 8 * 1024 * 1024 }

const nothing: Moved = { count: 0, letters: 0, head: null, closed: false }

interface Row extends Omit<OutboxRow, "id"> {
  readonly id: string
}

export const outbox = (
  database: Database,
  { appendWithin }: Pick<ReturnType<typeof log>, "appendWithin">,
) => {
  const { schema } = database

  const moveIn = async (client: PoolClient, owner: string, now: number, limits: LogLimits, held: number) => {
    const { rows } = await client.query<Row>(`SELECT * FROM ${schema}.take_outbox($1, $2, $3, $4)`, [
      owner,
      held,
      piece.entries,
      piece.bytes,
    ])
    if (rows.length === 0) return null
    const checked = rows.map((row) => ({
      number: row.number,
      ...checkRow({ ...row, id: row.id.replaceAll("-", "") }, now),
    }))
    const whole = checked.flatMap(({ number, entry }) => (entry === null ? [] : [{ number, entry }]))
    const group = {
      calls: whole.map(() => 1),
      times: whole.map(() => now),
      entries: whole.map(({ entry }) => entry),
    }
    const appended = whole.length === 0 ? null : await appendWithin(client, group, limits)
    // Those that find the log full stay, with all that is to be said of them.
    const waiting = new Set(
      whole.flatMap(({ number }, at) => (appended?.positions[at] === 0 ? [number] : [])),
    )
    const gone = checked.filter(({ number }) => !waiting.has(number))
    const letters = gone.flatMap((row) => row.letters)
    if (letters.length > 0) {
      await client.query(`SELECT ${schema}.put_dead_letters($1, $2, $3, $3)`, [
        letterRows(letters),
        now - DeadLetters.limits.maxAge,
        Number.MAX_SAFE_INTEGER,
      ])
    }
    await client.query(`DELETE FROM ${schema}.outbox WHERE number = ANY ($1::bigint[])`, [
      list(gone.map(({ number }) => number)),
    ])
    return { count: gone.length, letters: letters.length, appended }
  }

  return {
    /**
     * Moves the next committed entries into the log, if it is this process's turn.
     *
     * @param held how long the lease is kept, in ms
     */
    move: async (owner: string, now: number, limits: LogLimits, held = lease): Promise<Moved> => {
      const moved = await database.run(
        (client) => inTransaction(client, () => moveIn(client, owner, now, limits, held)),
        { isUrgent: false },
      )
      if (moved === null) return nothing
      const { count, letters, appended } = moved
      const { head, closed } = appended?.committed() ?? nothing
      return { count, letters, head, closed }
    },
  }
}
