import { HeadWatch, type Position, quietSleep, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { ComeBack, Connection } from "./Connection.ts"
import { failed } from "./effects.ts"
import { closed } from "./errors.ts"
import type { Link } from "./Link.ts"
import { list, numbers, text } from "./reply.ts"
import { script } from "./Script.ts"

/** What the log lacks that it had given, as far as this process knows. */
export type Less =
  | { readonly what: "everything" }
  | {
      readonly what: "the end of a partition"
      readonly partition: number
      readonly lostEntries: number
      readonly goesOnAfter: Position.Position
    }

/** How long one call waits for news, in ms. */
const block = 5_000

/** What a call for news may take beyond that, until its connection counts as dead. */
const patience = 5_000

/** How often the heads are asked for besides, in ms, should news get lost. */
const pollInterval = 2_000

/** Entries in one answer, without their bodies; what is left comes with the next one. */
const newsAtOnce = 100

/** KEYS[2] onwards: the state of each partition. */
const heads = script(`
local found = {}
for at = 2, #KEYS do found[at - 1] = tonumber(redis.call('HGET', KEYS[at], 'head')) end
return found
`)

/**
 * The last entry of each partition as far as this process knows, and who waits for a later one.
 * Only while somebody waits, a connection of its own waits for what other processes append.
 */
export class Head {
  readonly #connection: Connection
  /** The number of the last entry, in each partition. */
  readonly #heads: ReadonlyArray<HeadWatch<number>>
  #listener: Link | undefined
  #isClosed = false
  #isListening = false
  /** Called when the log has come back with less than it had given. */
  onLess: (less: Less) => void = () => {}

  constructor(connection: Connection) {
    this.#connection = connection
    this.#heads = connection.headsAtOpening.map((head) => new HeadWatch(head))
    // What it would say is of the server that is left.
    connection.onLost = () => this.#listener?.end("the other connection broke")
    connection.onBack = (comeBack) => {
      for (const less of this.#lackOf(comeBack)) this.onLess(less)
      for (const [partition, head] of comeBack.heads.entries()) this.#heads[partition]?.fallBack(head)
    }
  }

  #lackOf({ heads, forks, isAnew }: ComeBack): ReadonlyArray<Less> {
    if (isAnew) return [{ what: "everything" }]
    const lost = heads.map((head, partition) =>
      Math.max((this.#heads[partition]?.known ?? 0) - (forks[partition] ?? head), 0),
    )
    return lost.flatMap((lostEntries, partition) => {
      const fork = forks[partition] ?? null
      if (fork === null || lostEntries === 0) return []
      const goesOnAfter = this.#connection.generations(partition).positionOf(fork)
      return [{ what: "the end of a partition", partition, lostEntries, goesOnAfter }]
    })
  }

  /** Wakes those who waited for what is known now. */
  advance(partition: number, to: number): void {
    this.#heads[partition]?.advance(to)
  }

  /** @param after the number of an entry */
  wait(partition: number, after: number): Effect.Effect<void, StoreError> {
    return Effect.suspend(() => {
      const refusal = this.#connection.failure
      const head = this.#heads[partition]
      if (refusal !== undefined) return Effect.fail(refusal)
      if (head === undefined || after < head.known) return Effect.void
      // Once it waits: nobody listens before.
      queueMicrotask(() => void this.#listen())
      return head.wait(after)
    })
  }

  /** Fails those who wait. */
  close(): void {
    this.#isClosed = true
    this.#fail(Effect.fail(closed()))
    this.#listener?.end("the store has been closed")
  }

  /** For as long as it runs. */
  readonly looking: Effect.Effect<never> = Effect.forever(
    Effect.andThen(
      quietSleep(pollInterval),
      Effect.suspend(() => (this.#isAwaited ? Effect.promise(() => this.#poll()) : Effect.void)),
    ),
  )

  get #isAwaited(): boolean {
    return this.#heads.some(({ isAwaited }) => isAwaited)
  }

  #fail(failure: Effect.Effect<never, StoreError>): void {
    for (const head of this.#heads) head.fail(failure)
  }

  async #poll(): Promise<void> {
    const { keys, partitions } = this.#connection
    const states = Array.from({ length: partitions }, (_, number) => keys.partition(number).state)
    try {
      const found = numbers(await this.#connection.run(heads, states))
      for (const [partition, head] of found.entries()) this.advance(partition, head)
      void this.#listen()
    } catch (error) {
      this.#fail(failed(error))
    }
  }

  /**
   * One at a time. What breaks it is left to the poll, which begins it again when it finds the
   * server well.
   */
  async #listen(): Promise<void> {
    if (this.#isListening) return
    this.#isListening = true
    try {
      while (this.#isAwaited) {
        this.#listener ??= await this.#connection.another(block + patience)
        if (this.#isClosed) this.#listener.end("the store has been closed")
        else await this.#news(this.#listener)
      }
    } catch {
      this.#listener?.end("it broke")
      this.#listener = undefined
    } finally {
      this.#isListening = false
    }
  }

  async #news(listener: Link): Promise<void> {
    const { keys } = this.#connection
    const streams = this.#heads.map((_, partition) => keys.partition(partition).entries)
    const known = this.#heads.map(({ known }) => `${known}-0`)
    const options = ["COUNT", newsAtOnce, "BLOCK", block, "STREAMS"]
    const reply = await listener.call("XREAD", [...options, ...streams, ...known])
    for (const stream of reply === null ? [] : list(reply)) {
      const [key, entries] = list(stream)
      const [id] = list(list(entries).at(-1))
      this.advance(streams.indexOf(text(key)), Number.parseInt(text(id), 10))
    }
  }
}
