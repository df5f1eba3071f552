import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { hex } from "../base/hex.ts"
import type { Json, JsonObject } from "../base/json.ts"
import { idOf, isFlat, put } from "../base/json.ts"
import type { Codec } from "../ports/Codec.ts"
import { type ObjectField, problemOf } from "./fieldPath.ts"
import type { WebhookEvent } from "./WebhookEvent.ts"

/** Without them a batch could not be told apart, put in order or taken once. */
const untouchable: ReadonlySet<string> = new Set(["eventName", "timestamp", "timeUUID"])

const Kept = Schema.String.check(Schema.makeFilter((path) => problemOf(path) ?? true))

const Changed = Schema.String.check(
  Schema.makeFilter((path) => {
    const problem = problemOf(path)
    if (problem !== null) return problem
    return !untouchable.has(path) || `${path} goes to every destination as it is`
  }),
)

const none: ReadonlyArray<string> = []

/**
 * Says what leaves of an exported event: dotted paths below `user`, `metadata` and
 * `statsigMetadata`, with `*` for any one key or index; also `userID` and `value`. The eight fields
 * themselves always stay: what is dropped whole is left `{}` or `""`.
 *
 * - `userID` is `user.userID` under another name: what happens to one happens to both.
 * - Keys that have dots themselves are reached by every way to read a path, unlike in a filter:
 *   rather one too many than a secret that leaves.
 * - First `keep`, then `drop`, then `hash`.
 */
export const Fields = Schema.Struct({
  /** What does not leave; nothing by default. */
  drop: Schema.Array(Changed).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(none))),
  /**
   * All that stays below `user`, `metadata` and `statsigMetadata`, an exposure's details included;
   * `null` for everything, by default.
   */
  keep: Schema.NullOr(Schema.Array(Kept)).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(null))),
  /**
   * Texts, numbers and booleans are replaced by 64 hex digits of HMAC-SHA-256 with the
   * installation's key: the same for the same value in every field, at every destination and after
   * a restart. Numbers are hashed as their text. All that stands below an object or an array is
   * hashed; `""` and `null` say that there is nothing, and stay. Nothing is hashed by default.
   */
  hash: Schema.Array(Changed).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(none))),
})

export type Fields = typeof Fields.Type

/** The same for rules that do the same, written in another order. */
export const keyOf = ({ drop, keep, hash }: Fields): string => {
  const unordered = (paths: ReadonlyArray<string>) => [...new Set(paths.map(normalized))].sort()
  return JSON.stringify([unordered(drop), keep === null ? null : unordered(keep), unordered(hash)])
}

/** Hashes a text with the installation's key, to hex digits. */
export type Hash = (text: string) => string

/**
 * Hashes remembered at most, of texts no longer than ids are: users come back, and a hash takes as
 * long as the rest of an event's export. They have 2 MiB at most.
 */
const remembered = { count: 4096, length: 128 }

/** HMAC-SHA-256 to 64 hex digits. */
export const hashWith = (codec: Codec["Service"], key: Uint8Array): Hash => {
  const known = new Map<string, string>()
  return (text) => {
    let hash = known.get(text)
    if (hash === undefined) {
      hash = hex(codec.hmacSha256(key, text))
      if (known.size >= remembered.count) known.clear()
      if (text.length <= remembered.length) known.set(text, hash)
    }
    return hash
  }
}

const normalized = (path: string): string => (path === "userID" ? "user.userID" : path)

/** Paths as a tree of their parts. */
interface Node {
  readonly below: Map<string, Node>
  /** A path ends here. */
  end: boolean
}

const treeOf = (paths: ReadonlyArray<string>): Node => {
  const root: Node = { below: new Map(), end: false }
  for (const path of paths) {
    let node = root
    for (const part of normalized(path).split(".")) {
      const next = node.below.get(part) ?? { below: new Map(), end: false }
      node.below.set(part, next)
      node = next
    }
    node.end = true
  }
  return root
}

/** Where in the tree one may be: several nodes at once, for wildcards and for keys with dots. */
type Nodes = ReadonlyArray<Node>

const nowhere: Nodes = []

const isEnd = (nodes: Nodes): boolean => nodes.some((node) => node.end)

const byPart = (nodes: Nodes, part: string): Nodes => {
  let found: Array<Node> | null = null
  for (const { below } of nodes) {
    const named = below.get(part)
    const any = part === "*" ? undefined : below.get("*")
    if (named !== undefined) {
      found ??= []
      found.push(named)
    }
    if (any !== undefined) {
      found ??= []
      found.push(any)
    }
  }
  return found ?? nowhere
}

/** A key with dots is one part to a wildcard, and several to a path that spells them. */
const byKey = (nodes: Nodes, key: string): Nodes => {
  if (!key.includes(".")) return byPart(nodes, key)
  const wild = nodes.flatMap(({ below }) => below.get("*") ?? [])
  return [...new Set([...wild, ...key.split(".").reduce(byPart, nodes)])]
}

/** Says what becomes of a value under a key; `undefined` when it goes. */
type Change = (nodes: Nodes, value: Json) => Json | undefined

/**
 * The value itself when nothing below it changes, else a copy. What goes from an array closes up.
 */
const changed = (nodes: Nodes, value: Json, change: Change): Json => {
  if (Array.isArray(value)) {
    const elements = value as ReadonlyArray<Json>
    const after = elements.map((element, at) => change(byPart(nodes, String(at)), element))
    return after.every((element, at) => element === elements[at])
      ? value
      : after.filter((element) => element !== undefined)
  }
  if (value === null || isFlat(value)) return value
  const object = value as JsonObject
  const keys = Object.keys(object)
  let copy: Record<string, Json> | null = null
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!
    const before = object[key]!
    const after = change(byKey(nodes, key), before)
    if (copy === null) {
      if (after === before) continue
      copy = {}
      for (let earlier = 0; earlier < at; earlier++) put(copy, keys[earlier]!, object[keys[earlier]!]!)
    }
    if (after !== undefined) put(copy, key, after)
  }
  return copy ?? value
}

const dropped: Change = (nodes, value) => {
  if (nodes.length === 0) return value
  return isEnd(nodes) ? undefined : changed(nodes, value, dropped)
}

const kept: Change = (nodes, value) => {
  if (isEnd(nodes)) return value
  if (nodes.length === 0 || value === null || isFlat(value)) return undefined
  const rest = changed(nodes, value, kept)
  // An object of which nothing stays says no more than that it was there.
  return Object.keys(rest as object).length === 0 ? undefined : rest
}

const hashedWith = (hash: Hash): Change => {
  const all: Change = (_, value) => {
    if (value === null || value === "") return value
    return isFlat(value) ? hash(String(value)) : changed(nowhere, value, all)
  }
  const some: Change = (nodes, value) => {
    if (nodes.length === 0) return value
    return isEnd(nodes) ? all(nodes, value) : changed(nodes, value, some)
  }
  return some
}

type Step = (field: string, value: Json) => Json | undefined

const step = (paths: ReadonlyArray<string>, change: Change): Step => {
  const root = [treeOf(paths)]
  return (field, value) => change(byPart(root, field), value)
}

/**
 * `null` when the rule changes nothing. The events it is given stay as they are.
 *
 * @throws TypeError when the rule hashes and there is nothing to hash with: a raw value must not
 * leave in the hash's place
 */
export const compile = (
  { drop, keep, hash }: Fields,
  hashText: Hash | null,
): ((event: WebhookEvent) => WebhookEvent) | null => {
  const ofAll: Array<Step> = []
  if (drop.length > 0) ofAll.push(step(drop, dropped))
  if (hash.length > 0) {
    if (hashText === null)
      throw new TypeError("a destination that hashes fields needs a key to hash them with")
    ofAll.push(step(hash, hashedWith(hashText)))
  }
  const ofObjects = keep === null ? ofAll : [step(keep, kept), ...ofAll]
  if (ofObjects.length === 0) return null

  const object = (field: ObjectField, value: JsonObject): JsonObject =>
    ofObjects.reduce<JsonObject>((before, change) => (change(field, before) ?? {}) as JsonObject, value)
  const value = (text: string): string =>
    ofAll.reduce<string>((before, change) => (change("value", before) ?? "") as string, text)

  return (event) => {
    const user = object("user", event.user)
    return {
      eventName: event.eventName,
      user,
      userID: idOf(user["userID"]),
      timestamp: event.timestamp,
      value: value(event.value),
      metadata: object("metadata", event.metadata),
      statsigMetadata: object("statsigMetadata", event.statsigMetadata),
      timeUUID: event.timeUUID,
    }
  }
}
