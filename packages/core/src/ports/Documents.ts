import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { guard } from "./memory/memoryPort.ts"
import type { StoreError } from "./StoreError.ts"

/** A document as somebody else gave it, kept so that it can be given again. */
export interface Document {
  /** Up to 128 letters, digits, dots, dashes, underscores and slashes. */
  readonly name: string
  /** In ms since the epoch. */
  readonly savedAt: number
  /** What is known of the body, as short JSON. */
  readonly meta: string
  /** The bytes as they came. Nobody changes them. */
  readonly body: Uint8Array
}

/** What a store keeps at most. Whoever puts a document holds to the first two. */
export const limits = {
  /** Bytes. Three times the largest config specs known. */
  maxBytes: 32 * 1024 * 1024,
  /** Characters. A few headers of a reply. */
  maxMetaLength: 8 * 1024,
  /** Some forms of a document for each of some keys. The one saved longest ago goes first. */
  maxDocuments: 64,
}

/**
 * Keeps what others have said last, for the time when they say nothing. A cache: what is lost is
 * asked for again, so a migration leaves it out. It is kept as it came: whoever can read the store
 * can read it.
 */
export class Documents extends Context.Service<
  Documents,
  {
    /** Whole, or `null`: never a part, also while it is replaced. */
    readonly get: (name: string) => Effect.Effect<Document | null, StoreError>
    /** In the place of what is kept under the name. */
    readonly put: (document: Document) => Effect.Effect<void, StoreError>
    readonly remove: (name: string) => Effect.Effect<void, StoreError>
  }
>()("@millrace/core/Documents") {}

/** Which of these documents have to go, so that no more are left than are kept. */
export const surplus = <D extends Pick<Document, "name" | "savedAt">>(
  documents: ReadonlyArray<D>,
): ReadonlyArray<D> =>
  documents.toSorted((a, b) => b.savedAt - a.savedAt || (a.name < b.name ? -1 : 1)).slice(limits.maxDocuments)

/** Keeps them in this process's memory. */
export const layerMemory = (): Layer.Layer<Documents> =>
  Layer.effect(
    Documents,
    Effect.gen(function* () {
      const run = yield* guard
      const documents = new Map<string, Document>()
      return Documents.of({
        get: (name) => run(() => Effect.succeed(documents.get(name) ?? null)),
        put: (document) =>
          run(() => {
            documents.set(document.name, document)
            for (const { name } of surplus([...documents.values()])) documents.delete(name)
            return Effect.void
          }),
        remove: (name) =>
          run(() => {
            documents.delete(name)
            return Effect.void
          }),
      })
    }),
  )
