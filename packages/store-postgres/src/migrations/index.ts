import { checkedOutbox } from "./checkedOutbox.ts"
import { documents } from "./documents.ts"
import { generations } from "./generations.ts"
import { keyNames } from "./keyNames.ts"
import { log } from "./log.ts"
import { outbox } from "./outbox.ts"
import { places } from "./places.ts"
import { records } from "./records.ts"
import { reserve } from "./reserve.ts"

/** @param schema as an identifier, quoted */
export type Migration = (schema: string) => string

/**
 * How a schema comes to be what this program works on: the n-th step makes version n of version n -
 * 1. A step that has been released is never changed.
 */
export const migrations: ReadonlyArray<Migration> = [
  (schema) => [log(schema), records(schema), outbox(schema)].join("\n"),
  generations,
  checkedOutbox,
  reserve,
  documents,
  places,
  keyNames,
]
