import * as ExactJson from "../base/exactJson.ts"
import { type Json, parse, put } from "../base/json.ts"
import type { EventList, Survey } from "../bytes/bodySurvey.ts"
import { openBrace, type Span, textIn } from "../bytes/jsonBytes.ts"
import type { Form } from "./bodyForms.ts"
import { lastNamed } from "./cleanBody.ts"

// All of it is about JSON that is known to be JSON.

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** A value's text. */
export const textAt = (bytes: Uint8Array, { from, to }: Span): string =>
  decoder.decode(bytes.subarray(from, to))

export const valueAt = (bytes: Uint8Array, span: Span): Json => parse(textAt(bytes, span))!

/** Members of a body that are read; of others counts only that they are there. */
const read: ReadonlySet<string> = new Set(["user", "statsigMetadata", "clientTime"])

/**
 * The body as `bodyForms.ts` and the facts of a request need it: with empty lists of as many
 * events, and nothing else that costs time.
 */
export const standInOf = (bytes: Uint8Array, { start, parts, list }: Survey): Json => {
  const listOf = ({ items }: EventList): Json => new Array<Json>(items.length)
  if (list !== null) return listOf(list)
  if (bytes[start] !== openBrace) return null
  const body: Record<string, Json> = {}
  for (const part of parts) {
    const key = textIn(bytes, part.keyFrom - 1, part.keyTo + 1)
    put(body, key, part.list !== null ? listOf(part.list) : read.has(key) ? valueAt(bytes, part) : null)
  }
  return body
}

/** Where the events stand of a body of this form. */
export const eventsOf = (bytes: Uint8Array, survey: Survey, form: Form): EventList => {
  if (form === "single") {
    return { count: 1, items: [{ from: survey.start, to: bytes.length }], costly: new Set() }
  }
  return form === "array" ? survey.list! : survey.parts[lastNamed(bytes, survey.parts, form)]!.list!
}

/** A member of the body with its numbers as they are written. It has to be there. */
export const exactAt = (bytes: Uint8Array, { parts }: Survey, name: string): Json =>
  ExactJson.parse(textAt(bytes, parts[lastNamed(bytes, parts, name)]!))
