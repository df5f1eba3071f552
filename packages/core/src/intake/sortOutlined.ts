import type { Json } from "../base/json.ts"
import type { Slice, Slices } from "../base/slices.ts"
import * as Time from "../base/time.ts"
import * as Utf8 from "../base/utf8.ts"
import * as Outline from "../bytes/bodyScanner.ts"
import { openBrace } from "../bytes/jsonBytes.ts"
import * as EventNames from "../bytes/nameCache.ts"
import * as SharedFacts from "./sharedFacts.ts"
import {
  clientTimeOf,
  isNonEmpty,
  maxNesting,
  modeOf,
  requestProblem,
  type Sorted,
  subjectOf,
  type WireHead,
  type WireLimits,
} from "./sorting.ts"

/**
 * At least as much as {@link sdkFactsSize}: every unit of a text takes 6 bytes at most, as an
 * escape.
 */
const roughSize = (...facts: ReadonlyArray<string | null>): number => {
  let size = 2
  for (const fact of facts) if (fact !== null) size += '"sdkVersion":"",'.length + fact.length * 6
  return size
}

/**
 * Whether the facts that all events share may be too much. It says so too readily, by what was
 * written rather than by what it means; then {@link sharedProblem} decides.
 */
const asksForMuch = (
  head: WireHead,
  bytes: Uint8Array,
  { events, fields, rest }: Outline.Outline,
  limits: WireLimits,
): boolean => {
  const { statsigMetadata, user } = Outline.restSlots
  const metadataSize = rest[statsigMetadata + 1]! - rest[statsigMetadata]!
  const userSize = rest[user + 1]! - rest[user]!
  if (Math.max(metadataSize, userSize) > SharedFacts.maxFactBytes) return true
  let withoutUser = 0
  if (userSize > 0) {
    for (let event = 0, at: number = Outline.slots.user; event < events; event++, at += Outline.stride) {
      if (bytes[fields[at]!] !== openBrace || fields[at] === 0) withoutUser += 1
    }
  }
  const isObjectThere = metadataSize > 0 && bytes[rest[statsigMetadata]!] === openBrace
  const { sdkType, sdkVersion, sessionID } = head
  const shared = {
    events,
    statsigMetadata: isObjectThere ? metadataSize : roughSize(sdkType, sdkVersion, sessionID),
    withoutUser,
    user: userSize * 2,
  }
  return SharedFacts.problemOf(shared, bytes.length, limits.sentBytes) !== null
}

/** Looks at the events' times only where they may say more than the usual. */
const outlinedClock = (
  { receivedAt }: WireHead,
  clientTime: number | null,
  bytes: Uint8Array,
  { events, fields, areTimesUsual }: Outline.Outline,
): Time.Judged => {
  const times: Array<Json | undefined> = []
  if (!areTimesUsual || !Time.isUsualClientTime(clientTime, receivedAt)) {
    for (let event = 0; event < events; event++) {
      times.push(Outline.valueAt(bytes, fields, event * Outline.stride + Outline.slots.time))
    }
  }
  return Time.judge(clientTime, receivedAt, times)
}

/**
 * The usual request: every event is fine, and all of it is kept as it came. `null` when it is
 * another.
 */
const sortFine = (
  head: WireHead,
  bytes: Uint8Array,
  limits: WireLimits,
  outline: Outline.Outline,
): Sorted | null => {
  const { fields, rest } = outline
  const { clientTime, firstEvent, statsigMetadata, user } = Outline.restSlots
  if (asksForMuch(head, bytes, outline, limits)) return null
  const valueAt = (slot: number): Json | undefined => Outline.valueAt(bytes, rest, slot)
  const mode = modeOf(head, "events", () => valueAt(statsigMetadata))
  const isFine =
    mode === "lenient" || (outline.isStrict && requestProblem(head, valueAt(statsigMetadata)) === null)
  if (!isFine) return null
  const eventNames: Array<string> = []
  for (let at: number = Outline.slots.eventName; eventNames.length < outline.events; at += Outline.stride) {
    eventNames.push(EventNames.read(bytes, fields[at]! + 1, fields[at + 1]! - 1))
  }
  return {
    mode,
    clock: outlinedClock(
      head,
      clientTimeOf(head, () => valueAt(clientTime)),
      bytes,
      outline,
    ),
    eventNames,
    refusedAt: [],
    rejected: [],
    body: () => bytes,
    subject: () =>
      subjectOf(valueAt(firstEvent), {
        user: valueAt(user) ?? null,
        statsigMetadata: valueAt(statsigMetadata) ?? null,
      }),
  }
}

const outlineLimits = (head: WireHead, limits: WireLimits): Outline.Limits => ({
  events: limits.events,
  nesting: Math.min(limits.nesting, maxNesting),
  strictly: head.validation === "strict" || (head.validation === "auto" && !isNonEmpty(head.sdkType)),
})

export const sortOutlined = (head: WireHead, bytes: Uint8Array, limits: WireLimits): Sorted | null => {
  if (head.dialect !== "log_event") return null
  const outline = Outline.read(bytes, outlineLimits(head, limits))
  if (outline === null || !(outline.isAscii || Utf8.isValid(bytes))) return null
  return sortFine(head, bytes, limits, outline)
}

/** {@link sortOutlined} of a large body. */
export function* sortOutlinedInSlices(
  head: WireHead,
  bytes: Uint8Array,
  limits: WireLimits,
  slice: Slice,
): Slices<Sorted | null> {
  if (bytes.length <= Outline.inOneGo) return sortOutlined(head, bytes, limits)
  if (head.dialect !== "log_event") return null
  // To receive so large a body has taken its time already.
  yield
  const outline = yield* Outline.readInSlices(bytes, outlineLimits(head, limits), slice)
  if (outline === null || !(outline.isAscii || (yield* Utf8.isValidInSlices(bytes, slice)))) return null
  // Names and times are read, and made texts and numbers of.
  if (slice.isFull(bytes.length)) yield
  return sortFine(head, bytes, limits, outline)
}
