import type { Json } from "../base/json.ts"
import { idOf, isObject } from "../base/json.ts"
import { sizeOf } from "../base/jsonSize.ts"
import * as Utf8 from "../base/utf8.ts"
import type { ClientFacts } from "../entry/Envelope.ts"

export { sizeOf }

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
 * counted. What intake is told to keep of clients comes on top of it: see {@link affordable}.
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

/** {@link SharedFacts.user} of a request-level user; one that is no object serves no event. */
export const userSize = (user: Json | undefined): number =>
  isObject(user) ? sizeOf(user, maxFactBytes) + Utf8.encode(JSON.stringify(idOf(user["userID"]))).length : 0

/**
 * What is known of the client adds no more than this many times the body to what is sent. The
 * smallest event has 17 bytes, and the agent of a browser 130.
 */
const maxClientGrowth = 20

/** Bytes of a character in JSON, at most: as an escape. */
const escapeBytes = 6

/**
 * Leaves out what is known of the client where it would make a small body send a lot: it stands in
 * each event, and the sender chooses how many there are and how its agent is called. That is no
 * reason to refuse them.
 */
export const affordable = (
  client: ClientFacts | null | undefined,
  events: number,
  bodyBytes: number,
): ClientFacts | null => {
  if (client === null || client === undefined) return null
  const room = (maxClientGrowth * bodyBytes) / events
  const { ip = "", userAgent = "", country = "" } = client
  const names = '"ip":"","userAgent":"","country":"",'.length
  const isSurelyShort = names + (ip.length + userAgent.length + country.length) * escapeBytes <= room
  return isSurelyShort || Utf8.encode(JSON.stringify(client)).length <= room ? client : null
}
