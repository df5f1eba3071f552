import { Buffer } from "node:buffer"
import type { StoreError } from "@millrace/core/store"
import type { PurgeOpts, StreamInfo, StreamState } from "@nats-io/jetstream"
import { headers as newHeaders, nuid } from "@nats-io/nats-core"
import * as Effect from "effect/Effect"
import type { Connection } from "./Connection.ts"
import { corrupt, isConflict, isOutOfRoom } from "./errors.ts"

export interface Message {
  readonly seq: number
  readonly subject: string
  /** When the server took it, in ms since the epoch by its clock. */
  readonly time: number
  readonly header: (name: string) => string | undefined
  readonly data: Uint8Array
}

export interface Publication {
  readonly subject: string
  readonly data: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** Stored only when this is the stream's last sequence number. */
  readonly afterSequence?: number
  /**
   * Stored only when this is the sequence number of the subject's last message; 0 when it has none.
   */
  readonly afterRevision?: number
}

type Asked =
  | { readonly seq: number }
  | { readonly last_by_subj: string }
  | { readonly seq: number; readonly next_by_subj: string }

interface Found {
  readonly seq: number
  readonly subject: string
  readonly time: Date
  readonly header: { get: (name: string) => string; has: (name: string) => boolean }
  readonly data: Uint8Array
}

const toMessage = ({ seq, subject, time, header, data }: Found): Message => ({
  seq,
  subject,
  time: time.getTime(),
  header: (name) => (header.has(name) ? header.get(name) : undefined),
  data,
})

/** One JetStream stream, without a consumer: messages are asked for by number or by subject. */
export class Stream {
  readonly name: string
  readonly #connection: Connection
  readonly #replicas: number
  readonly #makeRoom: Effect.Effect<boolean, StoreError>

  /**
   * @param makeRoom for what has to be written also to a server that has no room left; says whether
   * it has made any
   */
  constructor(
    connection: Connection,
    name: string,
    replicas: number,
    makeRoom: Effect.Effect<boolean, StoreError> = Effect.succeed(false),
  ) {
    this.#connection = connection
    this.name = name
    this.#replicas = replicas
    this.#makeRoom = makeRoom
  }

  /**
   * The sequence number it got; `null` when the stream is not in the state that was expected: it
   * may have stored this very message and not have answered.
   */
  publish(publication: Publication): Effect.Effect<number | null, StoreError> {
    const { afterSequence, afterRevision } = publication
    // What names no state is known by its id for two minutes, should it come twice.
    const isConditional = afterSequence !== undefined || afterRevision !== undefined
    const send = this.#send(publication, isConditional ? undefined : nuid.next())
    return Effect.catch(this.#connection.insist(send), (error) => {
      if (!isOutOfRoom(error)) return Effect.fail(error)
      return Effect.flatMap(this.#makeRoom, (made) =>
        made ? this.#connection.insist(send) : Effect.fail(error),
      )
    })
  }

  /** The same, once: who waits in vain looks first at what there is. */
  publishOnce(publication: Publication): Effect.Effect<number | null, StoreError> {
    return this.#connection.call(this.#send(publication))
  }

  #send(publication: Publication, id?: string): () => Promise<number | null> {
    const { subject, data, headers = {}, afterSequence, afterRevision } = publication
    return async () => {
      const made = newHeaders()
      for (const [name, value] of Object.entries(headers)) made.set(name, value)
      try {
        const { seq } = await this.#connection.jetstream.publish(subject, data, {
          headers: made,
          ...(id === undefined ? {} : { msgID: id }),
          expect: {
            streamName: this.name,
            ...(afterSequence === undefined ? {} : { lastSequence: afterSequence }),
            ...(afterRevision === undefined ? {} : { lastSubjectSequence: afterRevision }),
          },
        })
        return seq
      } catch (error) {
        if (isConflict(error)) return null
        throw error
      }
    }
  }

  /**
   * What has once been stored under a number never changes, so that any replica may answer; one
   * that lags does not know it yet.
   */
  readonly get = (seq: number): Effect.Effect<Message | null, StoreError> =>
    this.#replicas === 1
      ? this.#ask({ seq })
      : Effect.flatMap(this.#ask({ seq }), (found) =>
          found === null ? this.#askLeader({ seq }) : Effect.succeed(found),
        )

  /** The same, of the replica that has taken every write. */
  readonly getFresh = (seq: number): Effect.Effect<Message | null, StoreError> => this.#askFresh({ seq })

  /**
   * Whether a server that is back may still be without what it has acknowledged: a single one has
   * what it has.
   */
  get hasReplicas(): boolean {
    return this.#replicas > 1
  }

  /** The last message of a subject. */
  last(subject: string): Effect.Effect<Message | null, StoreError> {
    return this.#askFresh({ last_by_subj: subject })
  }

  /** The first message from a number on, of a subject or a pattern of subjects. */
  next(subject: string, from: number): Effect.Effect<Message | null, StoreError> {
    return this.#askFresh({ seq: from, next_by_subj: subject })
  }

  readonly info: Effect.Effect<StreamInfo, StoreError> = Effect.suspend(() =>
    this.#connection.insist(() => this.#connection.quick.streams.info(this.name)),
  )

  readonly state: Effect.Effect<StreamState, StoreError> = Effect.map(this.info, ({ state }) => state)

  /** The subjects of a pattern that have a message. */
  subjects(pattern: string): Effect.Effect<ReadonlyArray<string>, StoreError> {
    return this.#connection.insist(async () => {
      const { state } = await this.#connection.quick.streams.info(this.name, { subjects_filter: pattern })
      return Object.keys(state.subjects ?? {})
    })
  }

  /** Drops what stands before a number. Returns how many messages that were. */
  purgeBefore(seq: number): Effect.Effect<number, StoreError> {
    return this.#purge({ seq })
  }

  /** Drops the messages of a subject, or of a pattern of subjects. Returns how many that were. */
  purgeSubject(subject: string): Effect.Effect<number, StoreError> {
    return this.#purge({ filter: subject })
  }

  /** Drops all of them. Returns how many that were. */
  readonly purgeAll: Effect.Effect<number, StoreError> = Effect.suspend(() => this.#purge())

  /** Drops all but the last so many. Returns how many that were. */
  keepLast(keep: number): Effect.Effect<number, StoreError> {
    return this.#purge({ keep })
  }

  #purge(what?: PurgeOpts): Effect.Effect<number, StoreError> {
    return Effect.map(
      this.#connection.call(() => this.#connection.manager.streams.purge(this.name, what)),
      ({ purged }) => purged,
    )
  }

  #askFresh(asked: Asked): Effect.Effect<Message | null, StoreError> {
    return this.#replicas === 1 ? this.#ask(asked) : this.#askLeader(asked)
  }

  /** Any replica. */
  #ask(asked: Asked): Effect.Effect<Message | null, StoreError> {
    return this.#connection.insist(async () => {
      const found = await this.#connection.quick.direct.getMessage(this.name, asked)
      return found === null ? null : toMessage(found)
    })
  }

  /** The one that has taken every write: what it answers comes as base64 in JSON, and is slower. */
  #askLeader(asked: Asked): Effect.Effect<Message | null, StoreError> {
    return this.#connection.insist(async () => {
      const found = await this.#connection.quick.streams.getMessage(this.name, asked)
      return found === null ? null : toMessage(found)
    })
  }
}

export const foreign = ({ seq, subject }: Message): StoreError =>
  corrupt(`message ${seq} of "${subject}" was put there by another program`)

/** What this program has written as JSON. */
export const readJson = <A>(message: Message): Effect.Effect<A, StoreError> =>
  Effect.try({
    try: () => JSON.parse(Buffer.from(message.data).toString()) as A,
    catch: () => foreign(message),
  })
