import { randomBytes } from "node:crypto"
import type { EventLog, Position } from "@millrace/core/store"
import type { Connection } from "./Connection.ts"
import { closed, full, unavailable } from "./errors.ts"
import type { Head } from "./Head.ts"
import type { Argument } from "./Link.ts"
import { append, forks } from "./logScripts.ts"
import { numbers, text } from "./reply.ts"
import { withRoom } from "./room.ts"

/**
 * The position of each entry, or why there is none: a `StoreError`, or a mistake of this program.
 */
export type Outcome =
  | { readonly kind: "stored"; readonly positions: ReadonlyArray<Position.Position> }
  | { readonly kind: "failed"; readonly error: unknown }

interface Waiting {
  readonly entries: ReadonlyArray<EventLog.NewEntry>
  readonly now: number
  readonly size: number
  readonly settle: (outcome: Outcome) => void
}

/**
 * What a process may hold in memory for a server that does not keep up, all partitions together.
 */
const maxWaitingBytes = 32 * 1024 * 1024

/** What one script takes at once: a few ms, in which the server does nothing else. */
const maxGroup = { entries: 1_000, bytes: 4 * 1024 * 1024 }

/** One group is on its way while the server stores the other. */
const maxFlights = 2

/** Beside what is counted of an entry. */
const sizeOf = ({ envelope, body }: EventLog.NewEntry): number => envelope.length + body.byteLength

const sizeOfAll = (group: ReadonlyArray<Waiting>): number => group.reduce((sum, { size }) => sum + size, 0)

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

/** A group as Redis takes it. */
interface Packed {
  /** Names and bytes in turn. */
  readonly bodies: ReadonlyArray<Argument>
  /** See the script. */
  readonly parameters: ReadonlyArray<Argument>
}

/** Bytes that wait to be acknowledged. */
export class Backlog {
  #bytes = 0

  /** Whether there is room; what is larger than all of it still has its turn alone. */
  take(bytes: number): boolean {
    if (this.#bytes > 0 && this.#bytes + bytes > maxWaitingBytes) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

export interface WriterOptions {
  readonly partition: number
  /** The cap of the partition. */
  readonly maxBytes: number
  /** The cap of the log, for the message. */
  readonly logBytes: number
}

/**
 * Group commit of one partition: what arrives while groups are on their way shares the next one. An
 * idle writer begins at the end of the event loop's turn, so that what arrives together is written
 * together.
 */
export class Writer {
  readonly #connection: Connection
  readonly #head: Head
  readonly #backlog: Backlog
  readonly #options: WriterOptions
  #waiting: Array<Waiting> = []
  /** No two bodies of any process have one name: they begin with what only this writer has. */
  readonly #stem = `${randomBytes(9).toString("base64url")}.`
  #bodies = 0
  #flights = 0
  #isScheduled = false
  #isClosed = false
  #idle: (() => void) | undefined

  constructor(connection: Connection, head: Head, backlog: Backlog, options: WriterOptions) {
    this.#connection = connection
    this.#head = head
    this.#backlog = backlog
    this.#options = options
  }

  append(entries: ReadonlyArray<EventLog.NewEntry>, now: number, settle: (outcome: Outcome) => void): void {
    if (this.#isClosed) {
      settle({ kind: "failed", error: closed() })
      return
    }
    if (entries.length === 0) {
      settle({ kind: "stored", positions: [] })
      return
    }
    let size = 0
    for (const entry of entries) size += sizeOf(entry)
    if (!this.#backlog.take(size)) {
      const error = unavailable(`the server does not keep up: ${maxWaitingBytes} bytes wait to be stored`)
      settle({ kind: "failed", error })
      return
    }
    this.#waiting.push({ entries, now, size, settle })
    this.#schedule()
  }

  /** Refuses what comes, and resolves once everything asked before has been answered. */
  close(): Promise<void> {
    this.#isClosed = true
    if (this.#flights === 0 && this.#waiting.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  #schedule(): void {
    if (this.#isScheduled || this.#flights >= maxFlights) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#flights < maxFlights && this.#waiting.length > 0) {
      const group = this.#takeGroup()
      this.#flights += 1
      void this.#send(group).then((outcomes) => {
        this.#flights -= 1
        for (const [index, { size, settle }] of group.entries()) {
          this.#backlog.give(size)
          settle(outcomes[index] ?? lost)
        }
        // After the callers go on: what they ask for next joins what has gathered meanwhile.
        if (this.#waiting.length > 0) this.#schedule()
        else if (this.#flights === 0) this.#idle?.()
      })
    }
  }

  async #send(group: ReadonlyArray<Waiting>): Promise<ReadonlyArray<Outcome>> {
    const { partition, maxBytes, logBytes } = this.#options
    const { entries, bodies, state, ids, olderIds } = this.#connection.keys.partition(partition)
    try {
      const { doubt } = this.#connection
      if (doubt !== undefined) throw doubt
      const packed = this.#pack(group)
      const [head = 0, generation = 0, ...places] = numbers(
        await withRoom(this.#connection, partition, sizeOfAll(group), () =>
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
      return group.map(({ entries }): Outcome => {
        const own = places.slice(offset, offset + entries.length)
        offset += entries.length
        return own[0] === 0
          ? { kind: "failed", error: full(logBytes) }
          : { kind: "stored", positions: own.map((place) => generations.positionOf(place)) }
      })
    } catch (error) {
      return group.map(() => ({ kind: "failed", error }))
    }
  }

  #pack(group: ReadonlyArray<Waiting>): Packed {
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

  /** The first so many that make a group, at least one. */
  #takeGroup(): ReadonlyArray<Waiting> {
    let count = 0
    let entries = 0
    let bytes = 0
    for (const one of this.#waiting) {
      entries += one.entries.length
      bytes += one.size
      if (count > 0 && (entries > maxGroup.entries || bytes > maxGroup.bytes)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}

const lost: Outcome = { kind: "failed", error: new TypeError("the reply does not fit the appends") }
