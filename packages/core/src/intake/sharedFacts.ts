import type { Json } from "../base/json.ts"
import { idOf, isObject, isWrittenNumber } from "../base/json.ts"
import * as Utf8 from "../base/utf8.ts"

/**
 * What a request says once for all of its events, each of `user` and `statsigMetadata`: thirty
 * times what an SDK says there. In bytes of JSON.
 */
export const maxFactBytes = 64 * 1024

/**
 * What leaves for one destination is never more than this many times the body it came in.
 *
 * An event by itself grows 13 times at most: `{"event":"e"}` has 13 bytes, and with all eight
 * fields and its brackets 163. A longer one grows less; the number `1e20` as a user's id, written
 * twice with all of its 21 digits, grows 11 times. What is left is for the facts that each event is
 * sent with: 27 times the body, however small its events are. An SDK's own come to three times.
 *
 * Names of groups from a catalog, and what a user's transform adds, are the operator's and not
 * counted.
 */
const maxGrowth = 40

const ownGrowth = 13

/** What the events of a request are sent with, each of them. In bytes of JSON. */
export interface SharedFacts {
  readonly events: number
  readonly statsigMetadata: number
  /** How many events have no user of their own, and so get the request's. */
  readonly withoutUser: number
  /** With its id, which stands beside it as well. */
  readonly user: number
}

/** Why what a request makes us send is too much; `null` when it is not. */
export const problemOf = (
  { events, statsigMetadata, withoutUser, user }: SharedFacts,
  bodyBytes: number,
  sentBytes: number,
): string | null => {
  const shared = events * statsigMetadata + withoutUser * user
  const tooMuch =
    shared > (maxGrowth - ownGrowth) * bodyBytes
      ? `${maxGrowth} times the body`
      : shared + bodyBytes > sentBytes
        ? `${sentBytes} bytes`
        : null
  return tooMuch === null
    ? null
    : `events: with the user and statsigMetadata of the request in each of them, more than ${tooMuch} would be sent`
}

/**
 * How long a value is as JSON; more than `most` when it is longer, and then no more of it is looked
 * at.
 */
export const sizeOf = (json: Json | undefined, most: number): number => {
  if (json === undefined) return 0
  if (typeof json === "string" && json.length > most) return json.length + 2
  if (isWrittenNumber(json)) return String(json).length
  if (typeof json !== "object" || json === null) return Utf8.encode(JSON.stringify(json)).length
  let size = 2
  if (Array.isArray(json)) {
    for (const item of json) {
      size += sizeOf(item, most - size) + 1
      if (size > most + 1) return size
    }
    return json.length === 0 ? size : size - 1
  }
  const object = json as { readonly [key: string]: Json }
  let isEmpty = true
  for (const key in object) {
    isEmpty = false
    size += sizeOf(key, most - size) + 2
    // The comma that is counted with its key is not written behind the last one.
    size += sizeOf(object[key], most - size + 1)
    if (size > most + 1) return size
  }
  return isEmpty ? size : size - 1
}

/** {@link SharedFacts.user} of a request-level user; one that is no object serves no event. */
export const userSize = (user: Json | undefined): number =>
  isObject(user) ? sizeOf(user, maxFactBytes) + Utf8.encode(JSON.stringify(idOf(user["userID"]))).length : 0
