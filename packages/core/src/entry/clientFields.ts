import { type Json, type JsonObject, put } from "../base/json.ts"
import { piece, type Source } from "../bytes/ByteWriter.ts"
import type { Envelope } from "./Envelope.ts"

/** What an envelope knows of the client that has sent a request, as fields of a user. */
export interface ClientFields {
  readonly fields: JsonObject
  /** Their names in JSON: a user's text that holds none of them has none of the fields. */
  readonly quotedNames: ReadonlyArray<string>
  /** The members and the end of an object, to be written behind what else it has. */
  readonly ending: Source
}

/** `null` when nothing is known, as it is unless intake is told to keep it. */
export const clientFieldsOf = ({ ip, userAgent, country }: Envelope): ClientFields | null => {
  if (ip === undefined && userAgent === undefined && country === undefined) return null
  const fields = {
    ...(ip === undefined ? {} : { ip }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(country === undefined ? {} : { country }),
  }
  return {
    fields,
    quotedNames: Object.keys(fields).map((name) => `"${name}"`),
    ending: piece(JSON.stringify(fields).slice(1)),
  }
}

const isMissing = (value: Json | undefined): boolean => value === undefined || value === null || value === ""

/**
 * The user with the fields that its sender has left out, or left empty: what an SDK says itself is
 * worth more. The same object when there is nothing to fill in.
 */
export const filled = (user: JsonObject, client: ClientFields | null): JsonObject => {
  if (client === null) return user
  const { fields } = client
  const missing = Object.keys(fields).filter((name) => isMissing(user[name]))
  if (missing.length === 0) return user
  const whole: Record<string, Json> = { ...user }
  for (const name of missing) put(whole, name, fields[name]!)
  return whole
}
