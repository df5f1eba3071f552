/**
 * Config specs and id lists, which are the same for all who show the same key: asked for once,
 * however many want them, fresh for a while, and served as they last were while Statsig is away.
 */
import { Codec } from "@millrace/core/host"
import { Documents, monotonicMillis } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { DocumentName } from "./documentName.ts"
import { makeLastGood } from "./lastGood.ts"
import type { Reach } from "./Reach.ts"
import { replyHeaders } from "./replyHeaders.ts"
import { type Held, Shelf } from "./shelf.ts"
import type { UpstreamError, UpstreamReply } from "./Upstream.ts"

/** What became of asking for a document. */
export type Found =
  /** @param age in seconds; `null` where Statsig has just said that it is the newest */
  | { readonly _tag: "Document"; readonly held: Held; readonly age: number | null }
  /** Statsig says something else, and it is passed back. */
  | { readonly _tag: "Other"; readonly reply: UpstreamReply }
  | { readonly _tag: "Away" }

/** Asks Statsig; with an etag, whether there is another one than that. */
export type Ask = (etag: string | null) => Effect.Effect<UpstreamReply, UpstreamError>

export interface DocumentCache {
  readonly find: (name: DocumentName, reach: Reach, ask: Ask) => Effect.Effect<Found>
}

/** ms that somebody waits for news when there is something to serve. SDKs wait for three s. */
const patience = 2_000

/** Bytes. "Nothing new" is far below, and a document above. */
const longestNothing = 16 * 1024

/** What is kept: a page of some gateway's is not. */
const isDocument = ({ status, headers }: UpstreamReply): boolean =>
  status === 200 && /json|protobuf|octet-stream/i.test(String(headers["content-type"] ?? "json"))

/** Answers that say "not now", whatever is kept. */
const isNotNow = (status: number): boolean =>
  status >= 500 || status === 429 || status === 408 || (status >= 300 && status < 400 && status !== 304)

/** The key is not, or no longer, one that gets this. */
const isRefusal = (status: number): boolean => status === 401 || status === 403

const away: Found = { _tag: "Away" }

/** @param freshFor ms */
export const make = Effect.fnUntraced(function* (freshFor: number) {
  const codec = yield* Codec.Codec
  const kept = makeLastGood(yield* Documents.Documents, codec.crc32)
  const scope = yield* Effect.scope
  const shelf = new Shelf()
  const underWay = new Map<string, Deferred.Deferred<Found>>()

  /** Whether a reply to "what is new since" is the whole document. */
  const isWhole = (reply: UpstreamReply): Effect.Effect<boolean> => {
    if (reply.body.length > longestNothing) return Effect.succeed(true)
    const encoding = String(reply.headers["content-encoding"] ?? "identity")
    if (encoding !== "gzip" && encoding !== "identity") return Effect.succeed(false)
    const plain =
      encoding === "identity"
        ? Effect.succeed(reply.body)
        : codec.decompress("gzip", reply.body, 64 * longestNothing)
    return plain.pipe(
      Effect.flatMap((bytes) =>
        Effect.try(() => {
          const read: unknown = JSON.parse(new TextDecoder().decode(bytes))
          return (
            typeof read === "object" && read !== null && "has_updates" in read && read.has_updates === true
          )
        }),
      ),
      Effect.orElseSucceed(() => false),
    )
  }

  const fresh = Effect.gen(function* () {
    return {
      confirmedAt: yield* Clock.currentTimeMillis,
      freshUntil: (yield* monotonicMillis) + freshFor,
    }
  })

  /** Nobody who asks waits for the store. What has begun is done before the scope has closed. */
  const save = (name: DocumentName, held: Held): Effect.Effect<unknown> =>
    Effect.forkIn(Effect.uninterruptible(kept.put(name, held)), scope, { startImmediately: true })

  const keep = Effect.fnUntraced(function* (name: DocumentName, reply: UpstreamReply) {
    const held: Held = {
      ...{ owner: name.key, headers: replyHeaders(reply.headers), body: reply.body },
      ...(yield* fresh),
    }
    shelf.put(name.reply, held)
    const isSame = name.reply === name.whole
    if (isSame || (!name.mayBePart && (yield* isWhole(reply)))) {
      if (!isSame) shelf.put(name.whole, held)
      yield* save(name, held)
    }
    return held
  })

  /**
   * What is kept of exactly this reply, however old. The store has whole documents only: whoever
   * asks for news has one already.
   */
  const lastGood = (name: DocumentName): Effect.Effect<Held | null> =>
    Effect.suspend(() => {
      const held = shelf.get(name.reply)
      if (held !== null || name.reply !== name.whole) return Effect.succeed(held)
      return Effect.tap(kept.get(name), (found) =>
        Effect.sync(() => {
          if (found !== null) shelf.put(name.whole, found)
        }),
      )
    })

  const old = (held: Held): Effect.Effect<Found> =>
    Effect.map(Clock.currentTimeMillis, (now) => ({
      ...{ _tag: "Document", held },
      age: Math.max(0, Math.floor((now - held.confirmedAt) / 1000)),
    }))

  const lastGoodOr = (name: DocumentName, otherwise: Found): Effect.Effect<Found> =>
    Effect.flatMap(lastGood(name), (held) => (held === null ? Effect.succeed(otherwise) : old(held)))

  const settle = Effect.fnUntraced(function* (name: DocumentName, reply: UpstreamReply) {
    const held = shelf.get(name.reply)
    if (reply.status === 304 && held !== null) {
      const confirmed = { ...held, ...(yield* fresh) }
      shelf.put(name.reply, confirmed)
      if (name.reply === name.whole) yield* save(name, confirmed)
      return { _tag: "Document", held: confirmed, age: null } as const
    }
    if (isDocument(reply)) return { _tag: "Document", held: yield* keep(name, reply), age: null } as const
    const other: Found = { _tag: "Other", reply }
    if (isNotNow(reply.status)) return yield* lastGoodOr(name, other)
    if (isRefusal(reply.status)) {
      shelf.removeOf(name.key)
      yield* kept.remove(name)
    }
    return other
  })

  /** Asks for all who want it meanwhile, and goes on when who asked first has gone away. */
  const refresh = (name: DocumentName, ask: Ask): Effect.Effect<Deferred.Deferred<Found>> =>
    Effect.suspend(() => {
      const running = underWay.get(name.reply)
      if (running !== undefined) return Effect.succeed(running)
      const result = Deferred.makeUnsafe<Found>()
      underWay.set(name.reply, result)
      const asking = Effect.suspend(() => ask(shelf.get(name.reply)?.headers["etag"] ?? null)).pipe(
        Effect.flatMap((reply) => settle(name, reply)),
        Effect.catch(() => lastGoodOr(name, away)),
        Effect.onExit((exit) =>
          Effect.suspend(() => {
            underWay.delete(name.reply)
            return Deferred.done(result, exit)
          }),
        ),
      )
      return Effect.as(Effect.forkIn(asking, scope), result)
    })

  const find: DocumentCache["find"] = Effect.fnUntraced(function* (name, reach, ask) {
    const held = shelf.get(name.reply)
    if (held !== null && (yield* monotonicMillis) < held.freshUntil) {
      return { _tag: "Document", held, age: null } as const
    }
    const wasAway = reach.isAway()
    if (!underWay.has(name.reply) && !(yield* reach.admit)) return yield* lastGoodOr(name, away)
    const result = yield* refresh(name, ask)
    const good = yield* lastGood(name)
    if (good === null) return yield* Deferred.await(result)
    if (wasAway) return yield* old(good)
    return yield* Effect.timeoutOrElse(Deferred.await(result), {
      duration: patience,
      orElse: () => old(good),
    })
  })

  return { find } satisfies DocumentCache
})
