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

const onServer = <O extends { readonly maxBytes?: number }>(
  kind: Kind,
  { optionsFromUrl, describe, layer }: ServerStore<O>,
  url: string,
  maxBytes: number | undefined,
): Result.Result<StoreUrl, string> =>
  Result.flatMap(optionsFromUrl(url), (given) => {
    if (maxBytes !== undefined && given.maxBytes !== undefined) {
      return Result.fail("maxBytes: said beside the URL, too: once is enough")
    }
    const options = maxBytes === undefined ? given : { ...given, maxBytes }
    return Result.succeed({
      kind,
      path: null,
      maxBytes: options.maxBytes ?? EventLog.defaultMaxBytesOnDisk,
      text: describe(options),
      layer: layer(options),
    })
  })

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
  cap: number | undefined,
): Promise<Result.Result<StoreUrl, string>> => {
  switch (kind) {
    case "memory": {
      const maxBytes = cap ?? EventLog.defaultMaxBytes
      return Result.succeed({ kind, path: null, maxBytes, text, layer: Store.layerMemory({ maxBytes }) })
    }
    case "sqlite": {
      const Sqlite = await import("@millrace/store-sqlite")
      const options = { path: rest, maxBytes: cap ?? EventLog.defaultMaxBytesOnDisk }
      return Result.succeed({ kind, ...options, text, layer: Sqlite.layer(options) })
    }
    case "postgres":
      return onServer(kind, await import("@millrace/store-postgres"), text, cap)
    case "redis":
      return onServer(kind, await import("@millrace/store-redis"), text, cap)
    case "nats":
      return onServer(kind, await import("@millrace/store-nats"), text, cap)
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
): Effect.fn.Return<StoreUrl, string> {
  const parts = yield* Effect.fromResult(split(text))
  return yield* Effect.fromResult(yield* Effect.promise(() => load(parts, text, cap)))
})
