import { parse } from "../base/json.ts"

/**
 * More names than this, or longer ones together, are not written down: the reader looks at the
 * events themselves.
 */
const most = { names: 8, length: 256 }

/**
 * The different names among an entry's events, for its envelope; `undefined` when they are too
 * many.
 */
export const summaryOf = (eventNames: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
  const names: Array<string> = []
  let length = 0
  let last: string | undefined
  for (const name of eventNames) {
    if (name === last) continue
    last = name
    if (names.includes(name)) continue
    length += name.length
    if (names.length === most.names || length > most.length) return undefined
    names.push(name)
  }
  return names
}

// Within a text of JSON every quote has a backslash before it: this stands nowhere else.
const key = ',"names":'

/**
 * Whether a reader may want one of an entry's events, told by the names in its envelope alone: most
 * destinations want none of most entries, and those are not decoded for them. `true` when the
 * envelope, in which they stand last, does not name them.
 *
 * @param wants whether it may want events of a name
 */
export const mayWant = (envelope: string, wants: (eventName: string) => boolean): boolean => {
  const at = envelope.lastIndexOf(key)
  if (at < 0) return true
  const names = parse(envelope.slice(at + key.length, -1))
  return !Array.isArray(names) || names.some((name) => typeof name !== "string" || wants(name))
}
