/**
 * What comes in on the wire: the bytes of a request's body, and from its head what tells how to
 * read them. Out come the events that are accepted, as the entry that is appended, and those that
 * are refused, with their reasons.
 *
 * A body up to {@link atOnce} is read in one go. A larger one is read in slices, between which
 * whoever drives them lets others be served: no body may keep the event loop for long.
 */
import * as Result from "effect/Result"
import { Slice, type Slices, toTheEnd } from "../base/slices.ts"
import { neverCostly } from "../bytes/costs.ts"
import type { Dialect } from "../entry/bodyForms.ts"
import * as Entry from "../entry/Entry.ts"
import * as EntryNames from "../entry/envelopeNames.ts"
import type { EntryId, NewEntry } from "../ports/LogEntry.ts"
import { affordable } from "./sharedFacts.ts"
import {
  type Refused,
  type RejectedEvent,
  type Sorted,
  tooMuch,
  type WireHead,
  type WireLimits,
} from "./sorting.ts"
import { sortOutlined, sortOutlinedInSlices } from "./sortOutlined.ts"
import { sortParsed } from "./sortParsed.ts"
import { sortSurveyed } from "./sortSurveyed.ts"

export {
  maxNesting,
  mostDescribed,
  type Refused,
  type RejectedEvent,
  showsSdk,
  type Validation,
  type WireHead,
  type WireLimits,
} from "./sorting.ts"
export type { Dialect }

export interface Accepted {
  /**
   * `null` when no event was accepted (an empty `events`, or all rejected in lenient mode): nothing
   * to append.
   */
  readonly entry: NewEntry | null
  /** The first {@link mostDescribed} of those that were refused. */
  readonly rejected: ReadonlyArray<RejectedEvent>
  /** How many were refused, described or not. */
  readonly rejectedCount: number
  /** The accepted events' names, one an event. */
  readonly eventNames: ReadonlyArray<string>
  /** Whose the first accepted event is, as well as can be told; `""` when it cannot. */
  readonly subject: () => string
}

/** @param bodyBytes as it came */
const accept = (head: WireHead, id: EntryId, sorted: Sorted, bodyBytes: number): Accepted => {
  const { mode, eventNames, refusedAt, rejected, body, subject } = sorted
  const rejectedCount = refusedAt.length
  if (eventNames.length === 0) return { entry: null, rejected, rejectedCount, eventNames, subject: () => "" }
  const { receivedAt, dialect, keyId, sdkType, sdkVersion, sessionID, relayedBy } = head
  const client = affordable(head.client, eventNames.length, bodyBytes)
  // Named one by one: what is spread into a record of its own shape takes longer than all the rest.
  const facts = {
    receivedAt,
    offset: sorted.clock.offset,
    clock: sorted.clock.clock,
    dialect,
    mode,
    keyId,
    sdkType,
    sdkVersion,
    sessionID,
    ip: client?.ip,
    userAgent: client?.userAgent,
    country: client?.country,
    relayedBy,
    rejected: rejectedCount === 0 ? null : refusedAt,
    names: EntryNames.summaryOf(eventNames),
  }
  const entry = Entry.encode(id, eventNames.length, facts, body())
  return { entry, rejected, rejectedCount, eventNames, subject }
}

export type Decoded = Result.Result<Accepted, Refused>

const tooLarge = (bytes: Uint8Array, { bodyBytes }: WireLimits): Refused | null =>
  bytes.length > bodyBytes ? tooMuch(`body: larger than ${bodyBytes} bytes`) : null

/**
 * Bytes of a body that is read in one go, whatever it holds. What an SDK sends at once is half of
 * it.
 */
export const atOnce: number = neverCostly

/**
 * {@link decode} of a large body, with a yield after a bounded amount of work. It gives the same as
 * one that is read in one go, but for events that are too much for one: those are refused.
 *
 * @param slice how much work stands between two yields
 */
export function* decodeInSlices(
  head: WireHead,
  bytes: Uint8Array,
  id: EntryId,
  limits: WireLimits,
  slice: Slice = new Slice(),
): Slices<Decoded> {
  const problem = tooLarge(bytes, limits)
  if (problem !== null) return Result.fail(problem)
  const outlined = yield* sortOutlinedInSlices(head, bytes, limits, slice)
  const sorted =
    outlined === null ? yield* sortSurveyed(head, bytes, limits, slice) : Result.succeed(outlined)
  return Result.map(sorted, (one) => accept(head, id, one, bytes.length))
}

/**
 * Bytes (decompressed) to accepted and rejected events. Total: it never throws, whatever the bytes
 * are.
 */
export const decode = (head: WireHead, bytes: Uint8Array, id: EntryId, limits: WireLimits): Decoded => {
  if (bytes.length > atOnce) return toTheEnd(decodeInSlices(head, bytes, id, limits))
  const problem = tooLarge(bytes, limits)
  if (problem !== null) return Result.fail(problem)
  const outlined = sortOutlined(head, bytes, limits)
  const sorted = outlined === null ? sortParsed(head, bytes, limits) : Result.succeed(outlined)
  return Result.map(sorted, (one) => accept(head, id, one, bytes.length))
}
