import { randomBytes } from "node:crypto"
import { Ingest, type Millrace } from "@millrace/core"
import { Wire } from "@millrace/core/host"
import * as Result from "effect/Result"
import { quoted } from "./Database.ts"
import { defaults, type Options } from "./Options.ts"

/** A statement with its parameters, as `pg` and most other drivers take it. */
export interface Statement {
  readonly text: string
  readonly values: Array<string | number | Uint8Array>
}

const encoder = new TextEncoder()

/**
 * The statement that puts events into the outbox, to be run in a transaction of your own: the
 * events are delivered if it commits, and not if it does not. It is one plain insert, which waits
 * for nothing; an open store moves what has been committed into its log, within a second or so. The
 * user needs `USAGE` on the schema and `INSERT` on its table `outbox`.
 *
 * Without this function, `INSERT INTO millrace.outbox (events, body) VALUES (1,
 * convert_to('{"events":[{"eventName":"signup", "user":{"userID":"42"}}]}', 'UTF8'))` does the
 * same: `body` is what an SDK would send. A row is taken as intake takes a request: its events are
 * counted, checked, and cleaned of private attributes when it is moved. What cannot be read becomes
 * a dead letter of intake, and nothing waits behind it.
 *
 * @throws RangeError when there is no event, one is wrong, or all together are too large for a
 * request
 *
 * @example
 * ```ts
 * await client.query("BEGIN")
 * await client.query("INSERT INTO orders (id) VALUES ($1)", [order.id])
 * await client.query(outboxInsert([{ event: "order_placed", user: { userID: order.user } }]))
 * await client.query("COMMIT")
 * ```
 */
export const outboxInsert = (
  events: ReadonlyArray<Millrace.NewEvent>,
  { schema = defaults.schema }: Pick<Options, "schema"> = {},
): Statement => {
  const now = Date.now()
  const body = {
    events: events.map(({ event, user = {}, value, metadata = {}, timestamp = now }) => ({
      user,
      event,
      value,
      metadata,
      timestamp,
    })),
  }
  const head: Wire.WireHead = {
    dialect: "event_webhook",
    validation: "strict",
    receivedAt: now,
    clientTimeHeader: null,
    clientTimeQuery: null,
    sdkType: null,
    sdkVersion: null,
    sessionID: null,
    keyId: null,
  }
  const decoded = Wire.decode(
    head,
    encoder.encode(JSON.stringify(body)),
    randomBytes(16).toString("hex"),
    Ingest.defaultLimits,
  )
  if (Result.isFailure(decoded)) throw new RangeError(decoded.failure.message)
  const { entry, rejected } = decoded.success
  const [wrong] = rejected
  if (wrong !== undefined) throw new RangeError(wrong.message)
  if (entry === null) throw new RangeError("events: expected one at least")
  return {
    text: `INSERT INTO ${quoted(schema)}.outbox (entry_id, events, envelope, body) VALUES ($1, $2, $3, $4)`,
    values: [entry.id, entry.events, entry.envelope, entry.body],
  }
}
