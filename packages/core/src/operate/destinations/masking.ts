import type { OptionProblem } from "../../base/InvalidOptions.ts"
import { isObject, type Json, type JsonObject } from "../../base/json.ts"
import { type Path, pathText } from "../../base/SchemaProblems.ts"

/** Stands for what nobody is shown. No header and no key of a signature can hold it. */
export const mask = "•••"

/** Four characters would be too much of a shorter one. */
const leastHinted = 12

/** The end by which a secret is told from others, and no more; nothing of a short one. */
export const hintOf = (secret: string): string => (secret.length < leastHinted ? "" : secret.slice(-4))

const maskText = (secret: string): string => `${mask}${hintOf(secret)}`

/** `whsec_` is no part of the secret, and says what it is. */
const maskSigning = (secret: string): string =>
  secret.startsWith("whsec_") ? `whsec_${maskText(secret)}` : maskText(secret)

/** Whoever knows the path of such a receiver may write there. */
const knownByPath: ReadonlySet<unknown> = new Set(["slack", "discord", "teams"])

/**
 * A URL without its user, its password and the values of its query: many receivers know their
 * senders by one of them. The path is shown, since a person knows a receiver by it; but for its end
 * where that is the secret.
 */
export const maskUrl = (text: string, format?: unknown): string => {
  const [, scheme = "", authority = "", path = "", query = "", fragment = ""] =
    /^([a-z][a-z\d+.-]*:(?:\/\/)?)?([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(text) ?? []
  const at = authority.lastIndexOf("@")
  const host = at === -1 ? authority : `${mask}@${authority.slice(at + 1)}`
  const shownPath = knownByPath.has(format) ? path.replace(/[^/]+\/?$/, mask) : path
  // A query without a name may be the token itself.
  const shownQuery = query.replace(/([?&])(?:([^=&]*=)[^&]*|[^&]+)/g, `$1$2${mask}`)
  return `${scheme}${host}${shownPath}${shownQuery}${fragment === "" ? "" : `#${mask}`}`
}

type Masking = (text: string, config: JsonObject) => string

const whole: Masking = () => mask

const ofUrl: Masking = (url, { format }) => maskUrl(url, format)

/** All that is secret in a destination's configuration. Where a secret stands may be shown. */
const secrets: ReadonlyMap<string, Masking | ReadonlyMap<string, Masking>> = new Map<
  string,
  Masking | ReadonlyMap<string, Masking>
>([
  ["url", ofUrl],
  // Their names say what they are for; any value may be a token.
  ["headers", new Map([["*", whole]])],
  [
    "signing",
    new Map([
      ["standardWebhooks", maskSigning],
      ["statsig", maskSigning],
    ]),
  ],
  [
    "tls",
    new Map([
      ["ca", whole],
      ["cert", whole],
      ["key", whole],
    ]),
  ],
  ["proxy", (proxy) => maskUrl(proxy)],
])

/**
 * A destination's configuration as it may be shown: the one place that decides what is a secret.
 */
export const maskConfig = (config: JsonObject): JsonObject => {
  const masked = (value: Json, masking: Masking): Json => {
    if (typeof value === "string") return masking(value, config)
    return Array.isArray(value) ? value.map((one: Json) => masked(one, masking)) : value
  }
  const shown = (key: string, value: Json): Json => {
    const masking = secrets.get(key)
    if (masking === undefined) return value
    if (typeof masking === "function") return masked(value, masking)
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        const own = masking.get(name) ?? masking.get("*")
        return [name, own === undefined ? inner : masked(inner, own)]
      }),
    )
  }
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, shown(key, value)]))
}

/**
 * Puts back what was masked: a value that is given as it was shown stands for what it was shown of.
 * So a list of headers can be changed by somebody who does not know their values.
 */
const restored = (given: Json, shown: Json | undefined, kept: Json | undefined): Json => {
  if (typeof given === "string") return given === shown ? (kept ?? given) : given
  if (Array.isArray(given)) {
    if (!Array.isArray(shown) || !Array.isArray(kept)) return given
    return given.map((one: Json) => kept[shown.indexOf(one)] ?? one)
  }
  if (!isObject(given) || !isObject(shown) || !isObject(kept)) return given
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      Object.hasOwn(shown, key) ? restored(value, shown[key], kept[key]) : value,
    ]),
  )
}

/**
 * The same changes with what was masked put back.
 *
 * @param config as it is now
 */
export const unmask = (changes: JsonObject, config: JsonObject): JsonObject => {
  const shown = maskConfig(config)
  return Object.fromEntries(
    Object.entries(changes).map(([key, value]) => [
      key,
      secrets.has(key) ? restored(value, shown[key], config[key]) : value,
    ]),
  )
}

const masksAt = (value: Json, path: Path): ReadonlyArray<OptionProblem> => {
  if (typeof value === "string") {
    const message = "is masked: give it anew, or leave it as it was shown"
    return value.includes(mask) ? [{ path: pathText(path), message }] : []
  }
  if (typeof value !== "object" || value === null) return []
  const isList = Array.isArray(value)
  return Object.entries(value).flatMap(([key, inner]) =>
    masksAt(inner as Json, [...path, isList ? Number(key) : key]),
  )
}

/** Masks that stand for nothing that is known. */
export const maskProblems = (config: JsonObject): ReadonlyArray<OptionProblem> =>
  Object.entries(config).flatMap(([key, value]) => (secrets.has(key) ? masksAt(value, [key]) : []))
