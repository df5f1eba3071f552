import type { Event } from "../../base/Event.ts"
import { isObject } from "../../base/json.ts"
import * as Utf8 from "../../base/utf8.ts"
import { ByteWriter } from "../../bytes/ByteWriter.ts"
import type { DecodedEntry } from "../../entry/Entry.ts"
import * as Export from "../../select/Export.ts"
import { writerOf } from "../../select/sentEvents.ts"
import { type EventAt, maxShown } from "../rows/events.ts"

/** Paths that are named of an event: a rule with `*` may change thousands. */
const maxPaths = 200

/** The event as its destination would be sent it now; `null` when it cannot be. */
export const leaves = (
  entry: DecodedEntry,
  event: Event,
  index: number,
  rule: Export.ExportRule,
): string | null => {
  const into = new ByteWriter(1024)
  const failed = writerOf(entry, rule)(event, index, into)
  return failed === null ? Utf8.cut(Utf8.decode(into.written).text, maxShown) : null
}

/** What field rules drop and hash of an event, by path. */
export const changedFields = (
  entry: DecodedEntry,
  event: Event,
  index: number,
  rule: Export.ExportRule,
): EventAt["fields"] => {
  const dropped: Array<string> = []
  const hashed: Array<string> = []
  const compare = (path: string, before: unknown, after: unknown): void => {
    if (dropped.length + hashed.length >= maxPaths) return
    if (isObject(before) && isObject(after)) {
      for (const [key, value] of Object.entries(before)) {
        const below = path === "" ? key : `${path}.${key}`
        if (Object.hasOwn(after, key)) compare(below, value, after[key])
        else dropped.push(below)
      }
    } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
      for (const [at, value] of before.entries()) compare(`${path}.${at}`, value, after[at])
    } else if (JSON.stringify(before) !== JSON.stringify(after)) {
      if (after === "") dropped.push(path)
      else hashed.push(path)
    }
  }
  if (rule.fields === null) return { dropped, hashed }
  const whole = Export.exporter(entry, { ...rule, fields: null })(event, index)
  compare("", whole, rule.fields(whole))
  return { dropped, hashed }
}
