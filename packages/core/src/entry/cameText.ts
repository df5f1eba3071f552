import * as Result from "effect/Result"
import { parse } from "../base/json.ts"
import * as Utf8 from "../base/utf8.ts"
import type { Span } from "../bytes/jsonBytes.ts"
import type { NewEntry } from "../ports/EventLog.ts"
import * as Body from "./bodyForms.ts"
import { eventsOf } from "./cleanBody.ts"
import { readEnvelope } from "./Envelope.ts"
import { textAt } from "./surveyedBody.ts"

/** The log_event family has one form; which one another body has is seen in it. */
const formOf = ({ envelope, body }: NewEntry): Body.Form => {
  const read = Result.getOrElse(readEnvelope(envelope), () => null)
  if (read === null || read.dialect === "log_event") return "events"
  const form = Body.read(read.dialect, parse(Utf8.decode(body).text) ?? null)
  return typeof form === "string" ? "single" : form.form
}

/**
 * The events of an entry that can be decoded, as JSON texts: as they came, byte for byte, but for
 * what must not be kept. Reads the body when the first one is asked for.
 */
export const cameTexts = (entry: NewEntry): ((index: number) => string) => {
  let spans: ReadonlyArray<Span> | null = null
  return (index) => {
    spans ??= eventsOf(entry.body, formOf(entry))
    const span = spans[index]
    return span === undefined ? "" : textAt(entry.body, span)
  }
}
