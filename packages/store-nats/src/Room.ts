import type { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { full, isOutOfRoom } from "./errors.ts"
import type { Stream } from "./Stream.ts"

/**
 * What is held in reserve, in bytes: a server whose room is used up takes nothing at all, not even
 * how far a destination has come. It has to be more than the message that went past the server's
 * limit, which is half a MiB at most.
 */
const reserve = 1024 * 1024

/** In one message, in bytes; less where the server takes less. */
const pieceBytes = 256 * 1024

/** Bytes of a message beside its content. */
const overhead = 1024

/** How often it is tried to put the reserve back, in ms: each append would ask for it. */
const tryEvery = 500

export interface RoomOptions {
  /**
   * A stream of its own: servers before 2.10 give back the room of a whole stream that is purged,
   * and not that of one subject.
   */
  readonly stream: Stream
  readonly subject: string
  readonly maxPayload: () => number
  /** Tells the other processes that the reserve is gone. */
  readonly announce: () => void
}

/**
 * Room for what a full server must still take: who is there, how far each destination has come,
 * what died. It is a reserve that is dropped when the server has no more room, and put back before
 * the log takes anything again.
 */
export class Room {
  readonly #options: RoomOptions
  #isOut = false
  #nextTry = 0

  constructor(options: RoomOptions) {
    this.#options = options
  }

  /** The reserve is gone: only what is needed to make room may be written. */
  get isOut(): boolean {
    return this.#isOut
  }

  /** Another process has dropped the reserve. */
  hearOut(): void {
    this.#isOut = true
  }

  /** Looks whether the reserve is there. */
  readonly look: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.map(this.#missing, (missing) => {
      if (missing > 0) this.#isOut = true
    }),
  )

  /** Drops the reserve. Says whether there was one. */
  readonly release: Effect.Effect<boolean, StoreError> = Effect.suspend(() => {
    this.#isOut = true
    this.#options.announce()
    return Effect.map(this.#options.stream.purgeAll, (purged) => purged > 0)
  })

  /**
   * Puts the reserve back, where it is gone; fails as full for as long as there is no room for it.
   * @param makeRoom tried first
   */
  restore(makeRoom: Effect.Effect<unknown, StoreError>): Effect.Effect<void, StoreError> {
    return Effect.suspend(() => {
      if (!this.#isOut) return Effect.void
      if (performance.now() < this.#nextTry) return Effect.fail(full("the server has no room left"))
      this.#nextTry = performance.now() + tryEvery
      return Effect.map(Effect.andThen(makeRoom, this.#fill), () => {
        this.#isOut = false
        this.#nextTry = 0
      })
    })
  }

  /**
   * Asks for twice as much, for a moment: otherwise what has just been given up would do, and the
   * next entry would take it. What it has put back it takes away again when there is no room.
   */
  get #fill(): Effect.Effect<void, StoreError> {
    const { stream, subject } = this.#options
    const piece = { subject, data: new Uint8Array(this.#pieceBytes) }
    return Effect.flatMap(this.#missing, (missing) =>
      missing === 0
        ? Effect.void
        : Effect.andThen(
            Effect.forEach(Array.from({ length: missing + this.#wanted }), () => stream.publish(piece), {
              discard: true,
            }),
            stream.keepLast(this.#wanted),
          ),
    ).pipe(Effect.tapError((error) => (isOutOfRoom(error) ? stream.purgeAll : Effect.void)))
  }

  /**
   * Begins: a server that is full already is opened all the same. A reserve that has been given up
   * is put back by those who append, and not by everybody who comes to look.
   */
  readonly begin: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.flatMap(this.#options.stream.state, ({ last_seq }) =>
      last_seq > 0
        ? this.look
        : Effect.catch(this.#fill, (error) => {
            if (!isOutOfRoom(error)) return Effect.fail(error)
            this.#isOut = true
            return Effect.void
          }),
    ),
  )

  get #pieceBytes(): number {
    return Math.min(pieceBytes, this.#options.maxPayload() - overhead)
  }

  /** How many pieces. */
  get #missing(): Effect.Effect<number, StoreError> {
    return Effect.map(this.#options.stream.state, ({ messages }) => Math.max(this.#wanted - messages, 0))
  }

  get #wanted(): number {
    return Math.ceil(reserve / this.#pieceBytes)
  }
}
