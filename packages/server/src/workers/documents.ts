/** Documents between a worker and the primary, which has the store. */
import type { StoreError } from "@millrace/core"
import type { Documents } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Channel, Handlers } from "./Channel.ts"
import type { CrossingDocument, PrimaryCalls } from "./Protocol.ts"

type Port = Documents.Documents["Service"]

const crossing = ({ body, ...document }: Documents.Document): CrossingDocument => ({
  ...document,
  body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("base64"),
})

const arrived = ({ body, ...document }: CrossingDocument): Documents.Document => ({
  ...document,
  body: new Uint8Array(Buffer.from(body, "base64")),
})

/** Answers what workers ask of the primary's documents. */
export const handlers = (
  documents: Port,
): Pick<Handlers<PrimaryCalls>, "getDocument" | "putDocument" | "removeDocument"> => ({
  getDocument: (name) =>
    Effect.map(documents.get(name), (found) => (found === null ? null : crossing(found))),
  putDocument: (document) => Effect.as(documents.put(arrived(document)), null),
  removeDocument: (name) => Effect.as(documents.remove(name), null),
})

/** The primary's documents as a worker sees them. */
export const remote = (call: Channel<PrimaryCalls>["call"]): Port => ({
  get: (name): Effect.Effect<Documents.Document | null, StoreError> =>
    Effect.map(call("getDocument", name), (found) => (found === null ? null : arrived(found))),
  put: (document) => Effect.asVoid(call("putDocument", crossing(document))),
  remove: (name) => Effect.asVoid(call("removeDocument", name)),
})
