import { type FSWatcher, watch } from "node:fs"
import { readFile, stat } from "node:fs/promises"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { Catalog, InvalidOptions, type OptionProblem } from "@millrace/core"
import { expectedHttpUrl, isHttpUrl, quietSleep } from "@millrace/core/host"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Agent, type Dispatcher, request } from "undici"
import * as AddressGuard from "./addressGuard.ts"
import { codeOf, connectionMessage } from "./internal/connectionError.ts"
import * as Connector from "./internal/connector.ts"
import { withCredentials } from "./internal/credentials.ts"
import { machineSources, NameResolver } from "./internal/nameResolver.ts"

/**
 * Bytes, after decompression. The documents of large projects have some MB; to parse more than this
 * would stop the event loop for long.
 */
const maxBytes = 32 * 1024 * 1024

const tooLong = "is longer than 32 MiB"

/**
 * How long a start waits for the first document: events that go out before it has come lack what it
 * knows.
 */
const startWait = "5 seconds"

/** Why there is no new catalog. Says nothing of a URL or a header: there may be keys in them. */
class CatalogError extends Data.TaggedError("CatalogError")<{ readonly message: string }> {}

/** Where documents come from. */
interface Source {
  /** For log lines. */
  readonly name: string
  /** The newest catalog, also when it is the one before. */
  readonly load: Effect.Effect<Catalog.Catalog, CatalogError>
  /** Until it is time to load again, after so many failures in a row. */
  readonly rest: (failures: number) => Effect.Effect<void>
}

const parseJson = (bytes: Uint8Array): Result.Result<unknown, CatalogError> =>
  Result.try({
    try: () => JSON.parse(new TextDecoder().decode(bytes)) as unknown,
    catch: () => new CatalogError({ message: "is not JSON" }),
  })

const toCatalog = (document: unknown): Result.Result<Catalog.Catalog, CatalogError> =>
  Result.mapError(
    Catalog.fromSpecs(document),
    (reason) => new CatalogError({ message: `is not a config-specs document: ${reason}` }),
  )

/** Keeps the last good catalog in place, and says once why there is no newer one. */
const keepNew = (open: Effect.Effect<Source, never, Scope.Scope>): Layer.Layer<never> =>
  Layer.effect(
    Catalog.CurrentCatalog,
    Effect.gen(function* () {
      const { name, load, rest } = yield* open
      let current: Catalog.Catalog | undefined
      let failures = 0
      let complaint: string | undefined

      const round = Effect.matchEffect(load, {
        onSuccess: (catalog) => {
          const recovered = complaint !== undefined
          current = catalog
          failures = 0
          complaint = undefined
          return recovered ? Effect.logInfo("the catalog can be read again") : Effect.void
        },
        onFailure: ({ message }) => {
          failures += 1
          if (message === complaint) return Effect.void
          complaint = message
          const kept = current === undefined ? "there is none yet" : "the one before stays in use"
          return Effect.annotateLogs(Effect.logWarning(`the catalog could not be read: ${kept}`), {
            reason: message,
          })
        },
      }).pipe(Effect.annotateLogs({ catalog: name }))

      const first = yield* Deferred.make<void>()
      yield* round.pipe(
        Effect.andThen(Deferred.succeed(first, undefined)),
        Effect.andThen(Effect.suspend(() => rest(failures))),
        Effect.forever,
        Effect.forkScoped,
      )
      yield* Effect.timeoutOption(Deferred.await(first), startWait)
      return () => current ?? Catalog.empty
    }),
  )

/**
 * Changes are told by the system where it can; where it cannot, and when it misses one, they are
 * found after this time.
 */
const lookAgain = "1 minute"

/** A file is often written in several steps. */
const settle = "200 millis"

const fileError = (error: unknown): CatalogError => {
  const code = codeOf(error) ?? "unknown"
  return new CatalogError({
    message: code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`,
  })
}

const openFile = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Source, never, Scope.Scope> {
  const changed = Latch.makeUnsafe()
  let watcher: FSWatcher | undefined
  const unwatch = () => watcher?.close()
  yield* Effect.addFinalizer(() => Effect.sync(unwatch))

  // Anew for each round: a watcher follows the file that it was opened on, and an update often puts
  // another one in its place.
  const rewatch = () => {
    unwatch()
    changed.closeUnsafe()
    try {
      watcher = watch(path, { persistent: false }, () => changed.openUnsafe())
      watcher.on("error", unwatch)
    } catch {
      watcher = undefined
    }
  }

  /** What came of the version that was read last. */
  let last:
    | { readonly version: string; readonly outcome: Result.Result<Catalog.Catalog, CatalogError> }
    | undefined

  const load = Effect.gen(function* () {
    // Before it is looked at, so that no change falls between the two.
    rewatch()
    const found = yield* Effect.tryPromise({ try: () => stat(path, { bigint: true }), catch: fileError })
    const version = [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(":")
    if (last?.version === version) return yield* Effect.fromResult(last.outcome)
    // Reading a pipe could wait for ever.
    if (!found.isFile()) return yield* new CatalogError({ message: "is not a file" })
    if (found.size > maxBytes) return yield* new CatalogError({ message: tooLong })
    const bytes = yield* Effect.tryPromise({ try: () => readFile(path), catch: fileError })
    last = { version, outcome: Result.flatMap(parseJson(bytes), toCatalog) }
    return yield* Effect.fromResult(last.outcome)
  })
  const rest = () =>
    Effect.raceFirst(Effect.andThen(changed.await, quietSleep(settle)), quietSleep(lookAgain))
  return { name: path, load, rest }
})

/**
 * The catalog of a file: a config-specs document, as Statsig's `download_config_specs` answers. It
 * is read at the start and whenever it changes.
 *
 * A file that is missing, is longer than 32 MiB or is no such document stops nothing: the last good
 * one stays in use, at the start none, and a warning says why. Relative paths are relative to the
 * working directory.
 *
 * @example
 * ```ts
 * const catalog = Catalog.file("./specs.json")
 * const millrace = await Millrace.make({ catalog, keys, destinations })
 * ```
 */
export const file = (path: string): Layer.Layer<never> => keepNew(openFile(path))

/**
 * Where it may be: on the public Internet only, unless `allowPrivate` or `allow` say otherwise, as
 * with destinations.
 */
export interface UrlOptions extends AddressGuard.AddressOptions {
  /** How often it is asked for a newer one: every 10 minutes by default. */
  readonly refresh?: Duration.Input
  /** Sent with every request: `{ "statsig-api-key": "secret-..." }`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Time for a whole request. */
const requestTimeout = "30 seconds"

/**
 * ms after the first failure, doubled with each, up to the most; with jitter, since a fleet loses a
 * server all at once.
 */
const backOff = { first: 5_000, most: 600_000, jitter: 0.5 } as const

const restAfter = (failures: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => {
    const longest = Math.min(backOff.most, backOff.first * 2 ** (failures - 1))
    return quietSleep(longest * (1 - backOff.jitter * random))
  })

const readBody = async (body: Dispatcher.ResponseData["body"]): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let length = 0
  // Leaving the loop destroys the body, and with it the connection.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > maxBytes) throw new CatalogError({ message: tooLong })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const inflate = promisify(gunzip)

const decompress = async (bytes: Uint8Array, encoding: string): Promise<Uint8Array> => {
  if (encoding === "" || encoding === "identity") return bytes
  if (encoding !== "gzip") {
    throw new CatalogError({ message: "came in a content encoding that was not asked for" })
  }
  return inflate(bytes, { maxOutputLength: maxBytes }).catch((error: unknown) => {
    throw new CatalogError({
      message: codeOf(error) === "ERR_BUFFER_TOO_LARGE" ? tooLong : "cannot be decompressed",
    })
  })
}

const headerOf = (headers: Dispatcher.ResponseData["headers"], name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" ? value : value?.[0]
}

/** By which the server can tell that there is nothing newer. */
const conditionsOf = (headers: Dispatcher.ResponseData["headers"]): Readonly<Record<string, string>> => {
  const etag = headerOf(headers, "etag")
  const lastModified = headerOf(headers, "last-modified")
  return {
    ...(etag === undefined ? {} : { "if-none-match": etag }),
    ...(lastModified === undefined ? {} : { "if-modified-since": lastModified }),
  }
}

/** What Statsig answers, instead of a document, when it has nothing newer. */
const saysUnchanged = (document: unknown): boolean =>
  typeof document === "object" &&
  document !== null &&
  "has_updates" in document &&
  document.has_updates === false

const openUrl = Effect.fnUntraced(function* (
  url: URL,
  refresh: Duration.Duration,
  sent: Readonly<Record<string, string>>,
  addresses: AddressGuard.AddressOptions,
): Effect.fn.Return<Source, never, Scope.Scope> {
  const connect = yield* Connector.make(
    AddressGuard.make(addresses, new NameResolver(machineSources()).lookup),
  )
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent({ connect })),
    (agent) => Effect.promise(() => agent.destroy()),
  )
  let last:
    | { readonly catalog: Catalog.Catalog; readonly conditions: Readonly<Record<string, string>> }
    | undefined

  const get = async (signal: AbortSignal) => {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      // The next one is minutes away.
      reset: true,
      headers: {
        accept: "application/json",
        "accept-encoding": "gzip",
        ...withCredentials(url, sent),
        ...last?.conditions,
      },
      signal,
    })
    const conditions = conditionsOf(headers)
    if (statusCode !== 200) {
      // Nobody reads it, and being destroyed is an error to it.
      body.on("error", () => {}).destroy()
      return { status: statusCode, conditions, bytes: new Uint8Array() }
    }
    const bytes = await decompress(await readBody(body), headerOf(headers, "content-encoding") ?? "")
    return { status: statusCode, conditions, bytes }
  }

  const load = Effect.gen(function* () {
    const { status, conditions, bytes } = yield* Effect.tryPromise({
      try: get,
      catch: (error) =>
        error instanceof CatalogError
          ? error
          : new CatalogError({ message: AddressGuard.refusalIn(error) ?? connectionMessage(error) }),
    }).pipe(
      Effect.timeoutOrElse({
        duration: requestTimeout,
        orElse: () => new CatalogError({ message: `no complete answer within ${requestTimeout}` }),
      }),
    )
    if (status === 304 && last !== undefined) return last.catalog
    if (status !== 200) return yield* new CatalogError({ message: `was answered with status ${status}` })
    const document = yield* Effect.fromResult(parseJson(bytes))
    if (last !== undefined && saysUnchanged(document)) return last.catalog
    // What could not be read must not be called unchanged later: the conditions go with the good
    // one.
    last = { catalog: yield* Effect.fromResult(toCatalog(document)), conditions }
    return last.catalog
  })
  const rest = (failures: number) => (failures === 0 ? quietSleep(refresh) : restAfter(failures))
  return { name: url.host, load, rest }
})

const urlProblems = (
  url: string,
  refresh: Option.Option<Duration.Duration>,
  { allow = [] }: AddressGuard.AddressOptions,
): ReadonlyArray<OptionProblem> => [
  ...AddressGuard.allowProblems(allow, "allow"),
  ...(isHttpUrl(url) ? [] : [{ path: "url", message: expectedHttpUrl }]),
  ...(Option.isSome(refresh) && Duration.isFinite(refresh.value) && Duration.toMillis(refresh.value) > 0
    ? []
    : [{ path: "refresh", message: "expected a positive, finite duration" }]),
]

/**
 * The catalog that a URL answers with, such as
 * `https://api.statsigcdn.com/v1/download_config_specs/secret-....json`. It is asked for at the
 * start, which waits for it up to 5 seconds, and every 10 minutes; a server that gives an ETag or a
 * time sends it only when it has changed.
 *
 * A failure stops nothing: the last good one stays in use, at the start none, a warning says why
 * (it names the host, nothing else of the URL), and it is tried again after 5 seconds, then less
 * and less often. Redirects are not followed, and private addresses are refused: whoever may name a
 * catalog may not thereby reach what this machine reaches. Throws `InvalidOptions` when the URL or
 * the duration is none.
 *
 * @example
 * ```ts
 * const catalog = Catalog.url(specsUrl, { refresh: "1 minute" })
 * const millrace = await Millrace.make({ catalog, keys, destinations })
 * ```
 */
export const url = (
  url: string,
  { refresh = "10 minutes", headers = {}, ...addresses }: UrlOptions = {},
): Layer.Layer<never> => {
  const every = Duration.fromInput(refresh)
  const problems = urlProblems(url, every, addresses)
  if (problems.length > 0) throw new InvalidOptions({ problems })
  return keepNew(openUrl(new URL(url), Option.getOrThrow(every), headers, addresses))
}
