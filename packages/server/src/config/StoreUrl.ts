import { EventLog, Store, type StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Result from "effect/Result"

/** Where events are kept, as `--store` says it. */
export interface StoreUrl {
  readonly kind: Kind
  /** The file it is; `null` when it is none. */
  readonly path: string | null
  /** What the log may take, in bytes. */
  readonly maxBytes: number
  /** As it may be shown: without a password. */
  readonly text: string
  readonly layer: Layer.Layer<Store.Store, StoreError>
}

export type Kind = "memory" | "sqlite" | "postgres" | "redis" | "nats"

const kinds: ReadonlyMap<string, Kind> = new Map([
  ["memory", "memory"],
  ["sqlite", "sqlite"],
  ["postgres", "postgres"],
  ["postgresql", "postgres"],
  ["redis", "redis"],
  ["rediss", "redis"],
  ["nats", "nats"],
  ["tls", "nats"],
])

export const forms = "memory:, sqlite:PATH, postgres://..., redis://... or nats://..."

/** What a package of a store on a server gives. */
interface ServerStore<O> {
  readonly optionsFromUrl: (url: string) => Result.Result<O, string>
  readonly describe: (options: O) => string
  readonly layer: (options: O) => Layer.Layer<Store.Store, StoreError>
}

interface ServerOptions {
  readonly maxBytes?: number
  readonly requestTimeout?: number
  /** Only JetStream has them. */
  readonly replicas?: number
}

/** What a store is opened for. */
export type Purpose = "to serve" | "to look"

/**
 * How long someone who looks waits for an answer, in ms, where the URL does not say: a server that
 * has hung is to be found out while a person watches.
 */
const lookTimeout = 3_000

/** Someone who looks finds the replicas there are: to make others would hide what is wrong. */
const toLook = <O extends ServerOptions>({ replicas: _, ...given }: O): Omit<O, "replicas"> => ({
  ...given,
  requestTimeout: given.requestTimeout ?? lookTimeout,
})

const onServer = <O extends ServerOptions>(
  kind: Kind,
  { optionsFromUrl, describe, layer }: ServerStore<O>,
  url: string,
  { cap: maxBytes, purpose }: LoadOptions,
): Result.Result<StoreUrl, string> =>
  Result.flatMap(optionsFromUrl(url), (said) => {
    if (maxBytes !== undefined && said.maxBytes !== undefined) {
      return Result.fail("maxBytes: said beside the URL, too: once is enough")
    }
    const given = purpose === "to look" ? (toLook(said) as O) : said
    const options = maxBytes === undefined ? given : { ...given, maxBytes }
    return Result.succeed({
      kind,
      path: null,
      maxBytes: options.maxBytes ?? EventLog.defaultMaxBytesOnDisk,
      text: describe(options),
      layer: layer(options),
    })
  })

interface LoadOptions {
  readonly cap: number | undefined
  readonly purpose: Purpose
}

interface Parts {
  readonly kind: Kind
  /** What follows the scheme's colon. */
  readonly rest: string
}

/**
 * Fails with what can be said without the store's package, and never with the text itself: URLs of
 * databases hold passwords.
 */
export const split = (text: string): Result.Result<Parts, string> => {
  const [scheme, rest] = text.split(/:(.*)/s)
  const kind = kinds.get(scheme!)
  if (rest === undefined || kind === undefined) return Result.fail(`expected ${forms}`)
  if (kind === "memory" && rest !== "") return Result.fail("expected nothing after memory:")
  if (kind === "sqlite") {
    if (rest === "") return Result.fail("expected a path after sqlite:")
    if (rest.startsWith("//")) return Result.fail("expected a path after sqlite:, without //")
    if (rest === ":memory:")
      return Result.fail("expected a path after sqlite:; memory: keeps events in memory")
  }
  return Result.succeed({ kind, rest })
}

const load = async (
  { kind, rest }: Parts,
  text: string,
  options: LoadOptions,
): Promise<Result.Result<StoreUrl, string>> => {
  const { cap } = options
  switch (kind) {
    case "memory": {
      const maxBytes = cap ?? EventLog.defaultMaxBytes
      return Result.succeed({ kind, path: null, maxBytes, text, layer: Store.layerMemory({ maxBytes }) })
    }
    case "sqlite": {
      const Sqlite = await import("@millrace/store-sqlite")
      const file = { path: rest, maxBytes: cap ?? EventLog.defaultMaxBytesOnDisk }
      return Result.succeed({ kind, ...file, text, layer: Sqlite.layer(file) })
    }
    case "postgres":
      return onServer(kind, await import("@millrace/store-postgres"), text, options)
    case "redis":
      return onServer(kind, await import("@millrace/store-redis"), text, options)
    case "nats":
      return onServer(kind, await import("@millrace/store-nats"), text, options)
  }
}

/**
 * Loads the store's package, and no other's. Fails as {@link split} does, or with what the package
 * finds wrong.
 *
 * @param cap what the log may take, in bytes: without it, what the URL says, or the store's default
 */
export const parse = Effect.fnUntraced(function* (
  text: string,
  cap?: number,
  purpose: Purpose = "to serve",
): Effect.fn.Return<StoreUrl, string> {
  const parts = yield* Effect.fromResult(split(text))
  return yield* Effect.fromResult(yield* Effect.promise(() => load(parts, text, { cap, purpose })))
})
