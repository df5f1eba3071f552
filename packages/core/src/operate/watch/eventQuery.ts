import { exactOf } from "../../base/exactEvent.ts"
import { idOf, isObject, type JsonObject } from "../../base/json.ts"
import * as Utf8 from "../../base/utf8.ts"
import { cameTexts } from "../../entry/cameText.ts"
import type { DecodedEntry } from "../../entry/Entry.ts"
import { mayWant } from "../../entry/envelopeNames.ts"
import type { LogEntry } from "../../ports/EventLog.ts"
import { possibleNames } from "../../select/Export.ts"
import { categoryOf } from "../../select/Filter.ts"
import { glob } from "../../select/glob.ts"
import type { EventQuery } from "../rows/place.ts"

/** A query, compiled. What costs least is asked first: names, then bytes, then events. */
export interface CompiledQuery {
  /** Whether the entry of an envelope may hold an event that matches. */
  readonly mayMatch: (envelope: string) => boolean
  /** Whether a body may hold one. */
  readonly mayHold: (body: Uint8Array) => boolean
  /** Says of an entry's events by their place which of them match. */
  readonly of: (entry: LogEntry, decoded: DecodedEntry) => (index: number) => boolean
}

/** Whether the query asks for anything at all. */
export const isNarrow = ({ user, name, text, category }: EventQuery): boolean =>
  user !== undefined || name !== undefined || text !== undefined || category !== undefined

/** The same for queries that ask for the same. */
export const keyOf = ({ user, name, text, category }: EventQuery): string =>
  JSON.stringify([user, name, text, category])

/** As it stands in JSON that was written without need. */
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/** Without escapes that need not be. */
const plain = (json: string): string => {
  try {
    return json.includes("\\") ? JSON.stringify(JSON.parse(json)) : json
  } catch {
    return json
  }
}

/** Whether an event is of a user: by the user id, or by one of the custom ids. */
const isOf = (user: JsonObject, id: string): boolean => {
  if (idOf(user["userID"]) === id) return true
  const ids = Object.hasOwn(user, "customIDs") ? user["customIDs"] : undefined
  return isObject(ids) && Object.values(ids).some((one) => idOf(one) === id)
}

export const compile = ({ user, name, text, category }: EventQuery): CompiledQuery => {
  const isNamed =
    name === undefined ? () => true : /[*?]/.test(name) ? glob(name) : (one: string) => one === name
  const wants = (eventName: string): boolean =>
    (category === undefined || categoryOf(eventName) === category) && possibleNames(eventName).some(isNamed)
  const needles = [user, text]
    .filter((needle) => needle !== undefined)
    .map((needle) => [needle, inJson(needle)])

  /** A text stands in JSON as it is, or escaped: then there is a backslash. */
  const mayHold = (body: Uint8Array): boolean => {
    if (needles.length === 0) return true
    const json = Utf8.decode(body).text
    return json.includes("\\") || needles.every((forms) => forms.some((form) => json.includes(form)))
  }

  const holds = (json: string): boolean => {
    const [exact, escaped] = [text!, inJson(text!)]
    if (json.includes(exact) || json.includes(escaped)) return true
    const written = plain(json)
    return written !== json && (written.includes(exact) || written.includes(escaped))
  }

  return {
    mayMatch: (envelope) => (name === undefined && category === undefined) || mayWant(envelope, wants),
    mayHold,
    of: (entry, decoded) => {
      const came = text === undefined ? null : cameTexts(entry)
      return (index) => {
        const event = decoded.events[index]!
        return (
          wants(event.eventName) &&
          (user === undefined || isOf(exactOf(event).user, user)) &&
          (came === null || holds(came(index)) || holds(JSON.stringify(event.user)))
        )
      }
    },
  }
}
