/**
 * The last good documents, in the store: a process that starts while Statsig is away has them from
 * those before it. The store's failing is not the asker's: it is said, and Statsig is asked.
 */
import { makeSparingly } from "@millrace/core/host"
import { Documents, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { DocumentName } from "./documentName.ts"
import type { Held } from "./shelf.ts"

export interface LastGood {
  /** `null` when there is none, and when the store does not say. */
  readonly get: (name: DocumentName) => Effect.Effect<Held | null>
  readonly put: (name: DocumentName, held: Held) => Effect.Effect<void>
  /** Also what else there is of the key, as far as this process has put it. */
  readonly remove: (name: DocumentName) => Effect.Effect<void>
}

/** ms. A document that stays the same is saved again after so long, so that its age is known. */
const saveAgainAfter = 60 * 60 * 1000

/**
 * Documents that one key may make us keep: in several encodings, by several SDKs. Others' are not
 * pushed out.
 */
const maxOfKey = 16

/** Keys whose documents are counted. There are a few in each project. */
const maxKeys = 1_000

interface Saved {
  /** Tells bodies apart, without holding one. */
  readonly mark: string
  readonly at: number
}

const metaOf = ({ headers }: Held): string => JSON.stringify({ headers })

const headersOf = (meta: string): Held["headers"] => {
  const { headers } = JSON.parse(meta) as { readonly headers: Held["headers"] }
  return headers
}

const nameOf = (whole: string): string => `statsig/${whole}`

export const makeLastGood = (
  store: Documents.Documents["Service"],
  crc32: (bytes: Uint8Array) => number,
): LastGood => {
  /** What this process has saved of each key, by name. */
  const saved = new Map<string, Map<string, Saved>>()
  const say = makeSparingly()

  const ignoring = <A>(asking: Effect.Effect<A, StoreError>, otherwise: A): Effect.Effect<A> =>
    Effect.catch(asking, (error) =>
      Effect.as(
        say(
          Effect.annotateLogs(Effect.logWarning("the store does not keep what Statsig answers"), {
            reason: error.reason._tag,
            error: error.message,
          }),
        ),
        otherwise,
      ),
    )

  const savedOf = (key: string): Map<string, Saved> => {
    const known = saved.get(key)
    if (known !== undefined) return known
    const made = new Map<string, Saved>()
    if (saved.size >= maxKeys) saved.delete(saved.keys().next().value!)
    saved.set(key, made)
    return made
  }

  return {
    get: ({ whole, key }) =>
      ignoring(
        Effect.map(store.get(nameOf(whole)), (found) =>
          found === null
            ? null
            : {
                owner: key,
                headers: headersOf(found.meta),
                body: found.body,
                confirmedAt: found.savedAt,
                freshUntil: Number.NEGATIVE_INFINITY,
              },
        ),
        null,
      ),

    put: ({ whole, key }, held) =>
      Effect.suspend(() => {
        const { body, confirmedAt } = held
        const ofKey = savedOf(key)
        const before = ofKey.get(whole)
        const mark = `${body.length} ${crc32(body)}`
        const isSaved = before?.mark === mark && confirmedAt - before.at < saveAgainAfter
        const meta = metaOf(held)
        const fits = body.length <= Documents.limits.maxBytes && meta.length <= Documents.limits.maxMetaLength
        if (isSaved || !fits || (before === undefined && ofKey.size >= maxOfKey)) return Effect.void
        ofKey.set(whole, { mark, at: confirmedAt })
        return ignoring(store.put({ name: nameOf(whole), savedAt: confirmedAt, meta, body }), undefined)
      }),

    remove: ({ whole, key }) =>
      Effect.suspend(() => {
        const names = new Set([whole, ...(saved.get(key)?.keys() ?? [])])
        saved.delete(key)
        return Effect.forEach(names, (name) => ignoring(store.remove(nameOf(name)), undefined), {
          discard: true,
        })
      }),
  }
}
