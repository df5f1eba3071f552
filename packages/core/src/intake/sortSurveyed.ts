import * as Result from "effect/Result"
import { isObject, type Json, put } from "../base/json.ts"
import type { Slice, Slices } from "../base/slices.ts"
import * as Time from "../base/time.ts"
import * as Utf8 from "../base/utf8.ts"
import { type EventList, type Survey, surveyInSlices } from "../bytes/bodySurvey.ts"
import { withoutBareNumbersInSlices } from "../bytes/Cutter.ts"
import { mostOfBody, mostOfEvent, neverCostly } from "../bytes/costs.ts"
import { membersOf, type Span } from "../bytes/jsonBytes.ts"
import * as Body from "../entry/bodyForms.ts"
import * as CleanBody from "../entry/cleanBody.ts"
import * as Surveyed from "../entry/surveyedBody.ts"
import * as EventFields from "./eventFields.ts"
import {
  checkOf,
  clientTimeOf,
  countedTime,
  isNamed,
  isOfOthers,
  isUserless,
  type Mode,
  maxNesting,
  modeOf,
  mostDescribed,
  notJson,
  type Refused,
  type RejectedEvent,
  refused,
  reject,
  rejectedAs,
  type Sorted,
  sharedProblem,
  strictProblem,
  subjectOf,
  tooDeep,
  tooMany,
  tooMuch,
  type WireHead,
  type WireLimits,
} from "./sorting.ts"

/** A body that is JSON in UTF-8 by now, whatever it was. */
interface Mended {
  readonly bytes: Uint8Array
  readonly survey: Survey
  /** As it came. */
  readonly isUtf8: boolean
  /** Where the first of its bare numbers stood; `null` when it had none. */
  readonly bareNumberAt: number | null
}

const unusable = ({ outcome, bareNumbers, events, values }: Survey, limits: WireLimits): Refused | null => {
  const [bareNumberAt] = bareNumbers
  switch (outcome) {
    case "json":
      return null
    case "none":
      return refused(bareNumberAt === undefined ? "body: not JSON" : notJson(bareNumberAt))
    case "tooDeep":
      return refused(tooDeep(nestingOf(limits)))
    case "tooMuch": {
      if (events > limits.events) return tooMany(limits, events)
      const { values: most, keys } = mostOfBody
      return tooMuch(`body: more than ${values > most ? `${most} values` : `${keys} different keys`}`, events)
    }
  }
}

const nestingOf = (limits: WireLimits): number => Math.min(limits.nesting, maxNesting)

/**
 * Puts U+FFFD where bytes are not UTF-8, and `null` where a number stands that JSON has none for.
 */
function* mend(bytes: Uint8Array, first: Survey, limits: WireLimits, slice: Slice): Slices<Mended> {
  const again = (mended: Uint8Array) => surveyInSlices(mended, nestingOf(limits), limits.events, slice)
  const isUtf8 = first.isAscii || (yield* Utf8.isValidInSlices(bytes, slice))
  const bareNumberAt = first.bareNumbers[0] ?? null
  let mended = { bytes, survey: first }
  if (!isUtf8) {
    const text = yield* Utf8.mendInSlices(bytes, slice)
    mended = { bytes: text, survey: yield* again(text) }
  }
  if (bareNumberAt !== null) {
    const text = yield* withoutBareNumbersInSlices(mended.bytes, mended.survey.bareNumbers, slice)
    mended = { bytes: text, survey: yield* again(text) }
  }
  return { ...mended, isUtf8, bareNumberAt }
}

/** What tells whose an event is. */
const ofSubject: ReadonlySet<string> = new Set(["user", "userID", "statsigMetadata"])

const subjectFields = (bytes: Uint8Array, { from }: Span): Json => {
  const event: Record<string, Json> = {}
  for (const member of membersOf(bytes, from)) {
    if (ofSubject.has(member.key)) put(event, member.key, Surveyed.valueAt(bytes, member))
  }
  return event
}

/** Bytes of work that an event counts for, however short it is. */
const perEvent = 64

const costly = `more than ${mostOfEvent.values} values, ${mostOfEvent.keys} different keys or ${neverCostly} digits`

interface Sifted {
  readonly eventNames: ReadonlyArray<string>
  readonly times: ReadonlyArray<Json | undefined>
  readonly firstAccepted: Span | undefined
  readonly refusedAt: ReadonlyArray<number>
  readonly rejected: ReadonlyArray<RejectedEvent>
  readonly isAnyNamed: boolean
  readonly withoutUser: number
}

/** Looks at one event after the other. */
function* sift(
  { dialect }: WireHead,
  bytes: Uint8Array,
  { items, costly: tooCostly }: EventList,
  form: Body.Form,
  mode: Mode,
  slice: Slice,
): Slices<Sifted> {
  const check = checkOf(mode, form)
  const eventNames: Array<string> = []
  const times: Array<Json | undefined> = []
  const refusedAt: Array<number> = []
  const rejected: Array<RejectedEvent> = []
  let firstAccepted: Span | undefined
  let isAnyNamed = false
  let withoutUser = 0
  for (const [index, span] of items.entries()) {
    if (slice.isFull(span.to - span.from + perEvent)) yield
    const event = EventFields.read(bytes, span, mode)
    const fields = Body.fieldsOf(dialect, form, event, mode)
    isAnyNamed ||= isNamed(dialect, form, event)
    if (isUserless(event)) withoutUser += 1
    const isCostly = tooCostly.has(index)
    if (!isCostly && check.isFine(fields)) {
      firstAccepted ??= span
      eventNames.push(fields.eventName)
      times.push(countedTime(dialect, form, event, mode))
      continue
    }
    refusedAt.push(index)
    if (rejected.length === mostDescribed) continue
    if (slice.isFull(span.to - span.from)) yield
    rejected.push(
      isCostly
        ? rejectedAs(form, index, fields, { path: [], reason: costly }, "")
        : reject(dialect, form, mode, index, Surveyed.valueAt(bytes, span)),
    )
  }
  return { eventNames, times, firstAccepted, refusedAt, rejected, isAnyNamed, withoutUser }
}

/**
 * Any request with a large body. No event of it is parsed but the first hundred that are refused:
 * the others are looked at, and cleaned, where they are written.
 */
export function* sortSurveyed(
  head: WireHead,
  came: Uint8Array,
  limits: WireLimits,
  slice: Slice,
): Slices<Result.Result<Sorted, Refused>> {
  const first = yield* surveyInSlices(came, nestingOf(limits), limits.events, slice)
  const problem = unusable(first, limits)
  if (problem !== null) return Result.fail(problem)
  const mended = yield* mend(came, first, limits, slice)
  const { bytes, survey } = mended
  if (survey.isCostly) return Result.fail(tooMuch(`body: ${costly} beside its events`, survey.events))

  if (slice.isFull(bytes.length)) yield
  const standIn = Surveyed.standInOf(bytes, survey)
  const body = Body.read(head.dialect, standIn)
  if (typeof body === "string") return Result.fail(refused(body))
  const { form, rest } = body
  const events = Surveyed.eventsOf(bytes, survey, form)
  if (events.count > limits.events) return Result.fail(tooMany(limits, events.count))

  const mode = modeOf(head, form, () => (isObject(standIn) ? standIn["statsigMetadata"] : undefined))
  const broken = mode === "lenient" ? null : strictProblem(head, { ...mended, rest })
  if (broken !== null) return Result.fail(refused(broken, events.count))

  const sifted = yield* sift(head, bytes, events, form, mode, slice)
  const { eventNames, refusedAt, rejected } = sifted
  const written = (name: string): Json | undefined =>
    rest[name] === undefined ? undefined : Surveyed.exactAt(bytes, survey, name)
  const tooMuchShared = sharedProblem(
    head,
    { user: written("user"), statsigMetadata: written("statsigMetadata") },
    { count: events.count, withoutUser: sifted.withoutUser },
    mended.isUtf8 ? bytes.length : came.length,
    limits,
  )
  if (tooMuchShared !== null) return Result.fail(tooMuch(tooMuchShared, events.count))

  const isReceipted = mode === "lenient" && form !== "single" && !isOfOthers(form, sifted.isAnyNamed)
  if (!isReceipted && eventNames.length === 0 && rejected[0] !== undefined) {
    return Result.fail(refused(rejected[0].message, events.count))
  }
  const isAnyKept = eventNames.length > 0
  const kept = isAnyKept
    ? yield* CleanBody.cleanInSlices(bytes, survey, { form, without: refusedAt }, slice)
    : bytes
  return Result.succeed({
    mode,
    clock: Time.judge(
      clientTimeOf(head, () => rest["clientTime"]),
      head.receivedAt,
      sifted.times,
    ),
    eventNames,
    refusedAt,
    rejected,
    body: () => kept,
    subject: () => subjectOf(subjectFields(bytes, sifted.firstAccepted!), rest),
  })
}
