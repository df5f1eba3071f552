import { randomBytes } from "node:crypto"
import { EventLog, GroupCommit, type Position, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Connection } from "./Connection.ts"
import { fromPromise } from "./effects.ts"
import { closed, full } from "./errors.ts"
import type { Head } from "./Head.ts"
import type { Argument } from "./Link.ts"
import { append, forks } from "./logScripts.ts"
import { numbers, text } from "./reply.ts"
import { withRoom } from "./room.ts"

interface Append {
  readonly entries: ReadonlyArray<EventLog.NewEntry>
  readonly now: number
}

type Positions = ReadonlyArray<Position.Position>

/** What one script takes at once: a few ms, in which the server does nothing else. */
const limits: GroupCommit.GroupLimits = { entries: 1_000, bytes: 4 * 1024 * 1024 }

/** One group is on its way while the server stores the other. */
const writes = 2

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

/** A group as Redis takes it. */
interface Packed {
  /** Names and bytes in turn. */
  readonly bodies: ReadonlyArray<Argument>
  /** See the script. */
  readonly parameters: ReadonlyArray<Argument>
}

export interface WriterOptions {
  readonly partition: number
  /** The cap of the partition. */
  readonly maxBytes: number
  /** The cap of the log, for the message. */
  readonly logBytes: number
}

/** Appends to one partition. */
export interface Appending {
  readonly append: (
    entries: ReadonlyArray<EventLog.NewEntry>,
    now: number,
  ) => Effect.Effect<Positions, StoreError>
  /** Refuses what comes, and returns once everything asked before has been answered. */
  readonly close: Effect.Effect<void>
}

/** What appending to one partition is: groups go in one script each. */
export class Writer {
  readonly #connection: Connection
  readonly #head: Head
  readonly #options: WriterOptions
  /** No two bodies of any process have one name: they begin with what only this writer has. */
  readonly #stem = `${randomBytes(9).toString("base64url")}.`
  #bodies = 0

  private constructor(connection: Connection, head: Head, options: WriterOptions) {
    this.#connection = connection
    this.#head = head
    this.#options = options
  }

  /** @param backlog what all partitions together may have in memory */
  static readonly make = (
    connection: Connection,
    head: Head,
    backlog: GroupCommit.Backlog,
    options: WriterOptions,
  ): Effect.Effect<Appending> => {
    const writer = new Writer(connection, head, options)
    const commit = GroupCommit.GroupCommit.make<Append, Positions>({
      ...{ place: "server", backlog, writes },
      limits: () => limits,
      write: (group, bytes) => fromPromise(() => writer.#send(group, bytes)),
    })
    return Effect.map(commit, (commit) => ({
      append: (entries, now) => {
        if (entries.length === 0) return Effect.succeed([])
        let bytes = 0
        for (const entry of entries) bytes += EventLog.sizeOf(entry)
        return commit.ask({ entries, now }, { entries: entries.length, bytes })
      },
      close: commit.close(closed()),
    }))
  }

  async #send(
    group: ReadonlyArray<Append>,
    size: number,
  ): Promise<ReadonlyArray<GroupCommit.Outcome<Positions>>> {
    const { partition, maxBytes, logBytes } = this.#options
    const { entries, bodies, state, ids, olderIds } = this.#connection.keys.partition(partition)
    const { doubt } = this.#connection
    if (doubt !== undefined) throw doubt
    const packed = this.#pack(group)
    const [head = 0, generation = 0, ...places] = numbers(
      await withRoom(this.#connection, partition, size, () =>
        this.#connection.runAfter(
          ["HSET", [bodies, ...packed.bodies]],
          append,
          [entries, bodies, state, ids, olderIds],
          [maxBytes, ...packed.parameters],
        ),
      ),
    )
    this.#head.advance(partition, head)
    if (generation !== this.#connection.generations(partition).current) {
      this.#connection.learn(partition, text(await this.#connection.run(forks, [entries, bodies, state])))
    }
    const generations = this.#connection.generations(partition)
    let offset = 0
    return group.map(({ entries }) => {
      const own = places.slice(offset, offset + entries.length)
      offset += entries.length
      return own[0] === 0
        ? Effect.fail(full(logBytes))
        : Effect.succeed(own.map((place) => generations.positionOf(place)))
    })
  }

  #pack(group: ReadonlyArray<Append>): Packed {
    const bodies: Array<Argument> = []
    const appends: Array<Argument> = []
    const all: Array<Argument> = []
    for (const { now, entries } of group) {
      appends.push(now, entries.length)
      for (const { id, events, envelope, body } of entries) {
        this.#bodies += 1
        const name = `${this.#stem}${this.#bodies.toString(36)}`
        bodies.push(name, viewOf(body))
        all.push(id, events, envelope, name, body.byteLength)
      }
    }
    return { bodies, parameters: [group.length, bodies.length / 2, ...appends, ...all] }
  }
}
