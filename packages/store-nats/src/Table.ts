import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import type { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { type Message, readJson, type Stream } from "./Stream.ts"

export interface Row<A> {
  readonly key: string
  readonly value: A
  /** The revision of the last write: a write that must not overwrite another one names it. */
  readonly revision: number
  /** When the server took it, in ms since the epoch by its clock. */
  readonly writtenAt: number
}

/** Requests under way at once when many rows are read or written. */
const concurrency = 128

/** A subject has to fit a line of the protocol. */
const maxKeyLength = 512

/**
 * A name as one token of a subject. Letters, digits, `-` and `_` stand for themselves and the rest
 * as `=` and the code unit, so that no two names share a token.
 */
export const tokenOf = (name: string): string => {
  const token = name.replace(
    /[^A-Za-z0-9_-]/g,
    (unit) => `=${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
  if (token === "") return "="
  return token.length <= maxKeyLength ? token : `==${createHash("sha256").update(token).digest("hex")}`
}

/**
 * Values by key in a key-value bucket (`nats kv` shows it): the last message of each key's subject.
 * A key that is removed leaves nothing behind, and revisions never come again.
 */
export class Table<A> {
  readonly #bucket: Stream
  readonly #base: string

  /** @param base of the subjects: a key is one or more tokens after it */
  constructor(bucket: Stream, base: string) {
    this.#bucket = bucket
    this.#base = base
  }

  get(key: string): Effect.Effect<Row<A> | null, StoreError> {
    return Effect.flatMap(this.#bucket.last(this.#subjectOf(key)), (found) =>
      found === null ? Effect.succeed(null) : this.#rowOf(found),
    )
  }

  /** Whatever is there. Returns the revision. */
  put(key: string, value: A): Effect.Effect<number, StoreError> {
    return Effect.map(this.#write(key, value, {}), (revision) => revision ?? 0)
  }

  /**
   * Only over the revision named (0: no row). Returns the new one, `null` when there is another.
   */
  replace(key: string, value: A, revision: number): Effect.Effect<number | null, StoreError> {
    return this.#write(key, value, { afterRevision: revision })
  }

  remove(key: string): Effect.Effect<void, StoreError> {
    return Effect.asVoid(this.#bucket.purgeSubject(this.#subjectOf(key)))
  }

  /** All keys, in no order. */
  readonly keys: Effect.Effect<ReadonlyArray<string>, StoreError> = Effect.suspend(() =>
    Effect.map(this.#bucket.subjects(`${this.#base}.>`), (subjects) =>
      subjects.map((subject) => subject.slice(this.#base.length + 1)),
    ),
  )

  /** All rows, in no order. */
  readonly rows: Effect.Effect<ReadonlyArray<Row<A>>, StoreError> = Effect.suspend(() =>
    Effect.flatMap(this.keys, (keys) => this.getAll(keys)),
  )

  /** Those of the rows that are there. */
  getAll(keys: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Row<A>>, StoreError> {
    return Effect.map(
      Effect.forEach(keys, (key) => this.get(key), { concurrency }),
      (rows) => rows.filter((row) => row !== null),
    )
  }

  #write(
    key: string,
    value: A,
    expected: { readonly afterRevision?: number },
  ): Effect.Effect<number | null, StoreError> {
    return this.#bucket.publish({
      subject: this.#subjectOf(key),
      data: Buffer.from(JSON.stringify(value)),
      ...expected,
    })
  }

  #subjectOf(key: string): string {
    return `${this.#base}.${key}`
  }

  #rowOf(message: Message): Effect.Effect<Row<A>, StoreError> {
    return Effect.map(readJson<A>(message), (value) => ({
      key: message.subject.slice(this.#base.length + 1),
      value,
      revision: message.seq,
      writtenAt: message.time,
    }))
  }
}
