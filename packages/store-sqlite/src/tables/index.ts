import type { Connection } from "../Connection.ts"
import type { Limits } from "../limits.ts"
import { type AttemptsTable, attempts } from "./Attempts.ts"
import { type CountersTable, counters } from "./Counters.ts"
import { type CursorsTable, cursors } from "./Cursors.ts"
import { type DeadLettersTable, deadLetters } from "./DeadLetters.ts"
import { type DestinationsTable, destinations } from "./Destinations.ts"
import { type DocumentsTable, documents } from "./Documents.ts"
import { type ExaminationTable, examination } from "./Examination.ts"
import { type KeysTable, keys } from "./Keys.ts"
import { type LogSurroundings, type LogTable, log } from "./Log.ts"

/** What a worker does for each port, in SQL. */
export interface Tables {
  readonly log: LogTable
  readonly cursors: CursorsTable
  readonly deadLetters: DeadLettersTable
  readonly attempts: AttemptsTable
  readonly destinations: DestinationsTable
  readonly keys: KeysTable
  readonly counters: CountersTable
  readonly documents: DocumentsTable
  readonly examination: ExaminationTable
}

export const tables = (connection: Connection, limits: Limits, surroundings: LogSurroundings): Tables => ({
  log: log(connection, limits.log, surroundings),
  cursors: cursors(connection),
  deadLetters: deadLetters(connection, limits.deadLetters),
  attempts: attempts(connection, limits.attempts),
  destinations: destinations(connection),
  keys: keys(connection),
  counters: counters(connection, limits.counters),
  documents: documents(connection, limits.documents, surroundings.space),
  examination: examination(connection),
})
