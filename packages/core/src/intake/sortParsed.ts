import * as Result from "effect/Result"
import * as ExactJson from "../base/exactJson.ts"
import { isObject, type Json, type JsonObject, parse } from "../base/json.ts"
import * as Nesting from "../base/nesting.ts"
import * as Time from "../base/time.ts"
import * as Utf8 from "../base/utf8.ts"
import { survey } from "../bytes/bodySurvey.ts"
import { withoutBareNumbers } from "../bytes/Cutter.ts"
import * as Body from "../entry/bodyForms.ts"
import * as CleanBody from "../entry/cleanBody.ts"
import * as SharedFacts from "./sharedFacts.ts"
import {
  checkOf,
  clientTimeOf,
  countedTime,
  isNamed,
  isOfOthers,
  isUserless,
  maxNesting,
  modeOf,
  mostDescribed,
  notJson,
  type Refused,
  type RejectedEvent,
  refused,
  reject,
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

/** A body that could be read, whatever its events are worth. */
interface Opened {
  /** As they came, but for bare numbers. */
  readonly bytes: Uint8Array
  /**
   * Where the first of its bare numbers stood, which are none in what was read; `null` when it had
   * none.
   */
  readonly bareNumberAt: number | null
  readonly text: string
  readonly isUtf8: boolean
  readonly json: Json
  readonly body: Body.Body
}

/**
 * What a body says, or what is wrong with it. One with bare numbers is read, since only what it
 * says tells whether it is an SDK's.
 */
const readJson = (bytes: Uint8Array, nesting: number): Result.Result<Omit<Opened, "body">, string> => {
  const { text, isUtf8 } = Utf8.decode(bytes)
  const json = parse(text)
  if (json !== undefined) return Result.succeed({ bytes, bareNumberAt: null, text, isUtf8, json })
  const { outcome, bareNumbers } = survey(bytes, nesting, 0)
  const [first] = bareNumbers
  if (outcome === "tooDeep") return Result.fail(tooDeep(nesting))
  if (outcome !== "json" || first === undefined) {
    return Result.fail(first === undefined ? "body: not JSON" : notJson(first))
  }
  const without = readJson(withoutBareNumbers(bytes, bareNumbers), nesting)
  return Result.map(without, (read) => ({ ...read, bareNumberAt: first }))
}

const open = (
  dialect: Body.Dialect,
  bytes: Uint8Array,
  limits: WireLimits,
): Result.Result<Opened, Refused> => {
  const nesting = Math.min(limits.nesting, maxNesting)
  const whole = readJson(bytes, nesting)
  if (Result.isFailure(whole)) return Result.fail(refused(whole.failure))
  const { json } = whole.success
  const body = Body.read(dialect, json)
  if (typeof body === "string") return Result.fail(refused(body))
  const events = body.events.length
  if (events > limits.events) return Result.fail(tooMany(limits, events))
  if (Nesting.isDeeper(json, nesting)) return Result.fail(refused(tooDeep(nesting), events))
  return Result.succeed({ ...whole.success, body })
}

/** The body to keep: what must not be kept is cut out of it, and the rest stays as it came. */
const keep = ({ bytes, text, isUtf8, body }: Opened, without: ReadonlyArray<number>): Uint8Array =>
  CleanBody.clean(isUtf8 ? bytes : Utf8.encode(text), { form: body.form, without })

/**
 * The request's user and `statsigMetadata` with their numbers as they are written, which is how
 * they are sent.
 */
const writtenFacts = (bytes: Uint8Array, { user, statsigMetadata }: JsonObject) => {
  if (user === undefined && statsigMetadata === undefined) return { user, statsigMetadata }
  const places = CleanBody.restOf(bytes)
  const written = (name: string, read: Json | undefined): Json | undefined => {
    const { from, to } = places.get(name) ?? { from: 0, to: 0 }
    // Only a long number makes it longer than what was read of it, but for white space and escapes.
    return to - from <= SharedFacts.sizeOf(read, SharedFacts.maxFactBytes)
      ? read
      : ExactJson.parse(Utf8.decode(bytes.subarray(from, to)).text)
  }
  return { user: written("user", user), statsigMetadata: written("statsigMetadata", statsigMetadata) }
}

/** Any request with a small body: all of it is parsed at once. */
export const sortParsed = (
  head: WireHead,
  bytes: Uint8Array,
  limits: WireLimits,
): Result.Result<Sorted, Refused> => {
  const opening = open(head.dialect, bytes, limits)
  if (Result.isFailure(opening)) return Result.fail(opening.failure)
  const opened = opening.success
  const { json } = opened
  const { form, events, rest } = opened.body
  const mode = modeOf(head, form, () => (isObject(json) ? json["statsigMetadata"] : undefined))
  const problem = mode === "lenient" ? null : strictProblem(head, { ...opened, rest })
  if (problem !== null) return Result.fail(refused(problem, events.length))

  const facts = writtenFacts(opened.bytes, rest)
  const counted = { count: events.length, withoutUser: events.filter(isUserless).length }
  const tooMuchShared = sharedProblem(head, facts, counted, opened.bytes.length, limits)
  if (tooMuchShared !== null) return Result.fail(tooMuch(tooMuchShared, events.length))

  const check = checkOf(mode, form)
  const eventNames: Array<string> = []
  const times: Array<Json | undefined> = []
  let firstAccepted: Json | undefined
  const refusedAt: Array<number> = []
  const rejected: Array<RejectedEvent> = []
  for (const [index, event] of events.entries()) {
    const fields = Body.fieldsOf(head.dialect, form, event, mode)
    if (check.isFine(fields)) {
      firstAccepted ??= event
      eventNames.push(fields.eventName)
      times.push(countedTime(head.dialect, form, event, mode))
      continue
    }
    refusedAt.push(index)
    if (rejected.length < mostDescribed) rejected.push(reject(head.dialect, form, mode, index, event))
  }
  const [first] = rejected
  // A refused batch is sent again for days by SDKs: they get a receipt that says what was wrong.
  const isAnyNamed = events.some((event) => isNamed(head.dialect, form, event))
  const isReceipted = mode === "lenient" && form !== "single" && !isOfOthers(form, isAnyNamed)
  if (!isReceipted && eventNames.length === 0 && first !== undefined) {
    return Result.fail(refused(first.message, events.length))
  }
  return Result.succeed({
    mode,
    clock: Time.judge(
      clientTimeOf(head, () => rest["clientTime"]),
      head.receivedAt,
      times,
    ),
    eventNames,
    refusedAt,
    rejected,
    body: () => keep(opened, refusedAt),
    subject: () => subjectOf(firstAccepted, rest),
  })
}
