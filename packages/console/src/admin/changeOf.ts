/** What is put on record of an action: who has done it to what, cut to a readable size. */
import { type Action, maskConfig } from "@millrace/core/host"
import type { Change } from "./Changes.ts"
import { hidden, maskEvents } from "./mask.ts"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** What is under such a name is nobody's to read, or may be. */
const secret = /secret|token|password|authorization|headers|cookie|signing|proxy|tls|^key$/i

/** Characters of a text, and items of a list, that are kept. */
const most = { text: 200, items: 10, keys: 40, depth: 6 }

/** A URL may have a password in front of its host, and a token behind its path. */
const withoutSecrets = (text: string): string => {
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text)) return text
  const [, scheme = "", rest = ""] = /^([^:]+:\/\/)(.*)$/s.exec(text) ?? []
  const [place = "", query] = rest.split(/[?#]/, 2)
  const [authority = "", ...path] = place.split("/")
  const host = authority.slice(authority.lastIndexOf("@") + 1)
  return `${scheme}${[host, ...path].join("/")}${query === undefined ? "" : `?${hidden}`}`
}

const cut = (text: string): string => (text.length > most.text ? `${text.slice(0, most.text)}…` : text)

/** JSON as it may be kept. */
const tidy = (value: unknown, depth = 0): Json => {
  if (typeof value === "string") return cut(withoutSecrets(value))
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value
  if (typeof value !== "object" || depth > most.depth) return null
  if (Array.isArray(value)) {
    const items = value.slice(0, most.items).map((item) => tidy(item, depth + 1))
    return value.length > most.items ? [...items, `and ${value.length - most.items} more`] : items
  }
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, most.keys)
      .map(([key, inner]) => [key, secret.test(key) && inner !== null ? hidden : tidy(inner, depth + 1)]),
  )
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/** The id of what an action is done to, wherever its input has it. */
export const subjectOf = (input: unknown): string | null => {
  const { id, destination, name } = record(input)
  const found = [id, destination, record(destination)["id"], name].find((text) => typeof text === "string")
  return found === undefined ? null : cut(String(found))
}

type Config = Parameters<typeof maskConfig>[0]

/** Configuration is kept as text. */
const configOf = (state: unknown): Config | null => {
  const { config } = record(state)
  if (typeof config !== "string") return null
  try {
    return record(JSON.parse(config)) as Config
  } catch {
    return null
  }
}

/** A configuration in an action's input; what it does not say is as `kept` has it. */
const maskedIn = (given: unknown, kept: Config | null): unknown => {
  if (typeof given !== "object" || given === null) return given
  const masked = maskConfig({ ...kept, ...(given as Config) })
  return Object.fromEntries(Object.keys(given).map((key) => [key, masked[key]]))
}

const shownState = (state: unknown): unknown => {
  const config = configOf(state)
  return config === null ? state : { ...record(state), config: maskConfig(config) }
}

const shownInput = (input: unknown, after: unknown): unknown => {
  const kept = configOf(after)
  return Object.fromEntries(
    Object.entries(record(input)).map(([key, value]) => [
      key,
      key === "destination" || key === "changes" ? maskedIn(value, kept) : value,
    ]),
  )
}

export interface Happened {
  readonly action: Action.Action
  readonly input: unknown
  readonly output: unknown
  /** What the store had of it before and after; `null` where it had nothing. */
  readonly before: unknown
  readonly after: unknown
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What `detail` of a change is made of. */
export const changeOf = (
  { action, input, output, before, after }: Happened,
  about: Pick<Change, "id" | "at" | "who">,
): Change => ({
  ...about,
  did: action.path,
  what: subjectOf(input),
  detail: tidy(
    maskEvents({
      ...(Object.keys(record(input)).length > 0 ? { input: shownInput(input, after) } : {}),
      ...(Object.keys(record(output)).length > 0 ? { output } : {}),
      ...(isSame(before, after) ? {} : { before: shownState(before), after: shownState(after) }),
    }),
  ) as Change["detail"],
})
