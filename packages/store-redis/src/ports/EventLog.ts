import { EventLog, type Generations, type Position, StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import { corrupt } from "../errors.ts"
import type { Head } from "../Head.ts"
import type { Argument, Reply } from "../Link.ts"
import * as scripts from "../logScripts.ts"
import { bytes, list, number, numbers, text } from "../reply.ts"
import { finite, type Script } from "../Script.ts"
import type { Appending } from "../Writer.ts"

/** An entry but for its body, as the script wrote it. */
interface Stored extends Omit<EventLog.LogEntry, "body"> {
  /** The name of the body. */
  readonly bodyName: string
}

const toStored =
  (generations: Generations) =>
  (reply: Reply): Stored => {
    const [position, values] = list(reply)
    const [, entry, , envelope] = list(values)
    const [appendedAt, events, , , bodyName = "", ...id] = text(entry).split(" ")
    return {
      id: id.join(" "),
      events: Number(events),
      envelope: text(envelope),
      position: generations.positionOf(Number.parseInt(text(position), 10)),
      appendedAt: Number(appendedAt),
      bodyName,
    }
  }

const withBody = ({ bodyName: _, ...entry }: Stored, body: Reply | undefined): EventLog.LogEntry => {
  const { buffer, byteOffset, byteLength } = bytes(body)
  return { ...entry, body: new Uint8Array(buffer, byteOffset, byteLength) }
}

/** What is outside every log. */
const nowhere = -1

const numberOf = (generations: Generations, position: Position.Position): number => {
  const place = generations.placeOf(position)
  return place.kind === "known" ? place.number : nowhere
}

/** What a script answers for a position outside the log: nothing, then its ends. */
const orOutside = (
  reply: Reply,
  generations: Generations,
  position: Position.Position,
): ReadonlyArray<Reply> => {
  const [first, ...rest] = list(reply)
  if (first !== null) return list(reply)
  const [tail, last] = numbers(rest)
  if (tail === undefined || last === undefined) throw new TypeError("the reply has no ends")
  const ends = { tail: generations.positionOf(tail), head: generations.positionOf(last) }
  throw new StoreError({
    reason: { _tag: "OutOfRange", ...ends, resumeAt: generations.resumeAt(position, tail) },
    message: `the position is outside the log, which holds those after "${ends.tail}" up to "${ends.head}"`,
  })
}

/**
 * The forks of a generation that has begun since: what a script answers when it was asked about
 * positions of another one.
 */
const newForks = (reply: Reply): string | null => {
  const [first, forks] = Array.isArray(reply) ? reply : []
  return Buffer.isBuffer(first) && first.toString() === "forks" ? text(forks) : null
}

const partitionLog = (
  connection: Connection,
  head: Head,
  partition: number,
  writer: Appending,
): EventLog.Partition => {
  /** Again when a generation has begun meanwhile: positions mean something else then. */
  const run = async (
    script: Script,
    parametersOf: (generations: Generations) => ReadonlyArray<Argument>,
  ): Promise<readonly [reply: Reply, generations: Generations]> => {
    const { entries, bodies, state } = connection.keys.partition(partition)
    for (;;) {
      const generations = connection.generations(partition)
      const parameters = [String(generations.current), ...parametersOf(generations)]
      const reply = await connection.run(script, [entries, bodies, state], parameters)
      const forks = newForks(reply)
      if (forks === null) return [reply, generations]
      connection.learn(partition, forks)
    }
  }

  const read = async (
    after: Position.Position,
    limits: EventLog.ReadLimits,
  ): Promise<ReadonlyArray<EventLog.LogEntry>> => {
    const ask = async () => {
      const [reply, generations] = await run(scripts.read, (known) => [
        numberOf(known, after),
        finite(limits.maxEntries),
        finite(limits.maxBytes),
      ])
      return orOutside(reply, generations, after).map(toStored(generations))
    }
    const found = await ask()
    if (found.length === 0) return []
    const { bodies } = connection.keys.partition(partition)
    const names = found.map(({ bodyName }) => bodyName)
    const stored = list(await connection.read("HMGET", [bodies, ...names]))
    if (!stored.includes(null)) return found.map((entry, index) => withBody(entry, stored[index]))
    // Trimmed in between: asked again, the log says so.
    await ask()
    throw corrupt(`bodies of entries after "${after}" are missing`)
  }

  return {
    append: (entries, now) => {
      const { failure } = connection
      return failure === undefined ? writer.append(entries, now) : Effect.fail(failure)
    },

    read: (after, limits) => fromPromise(() => read(after, limits)),

    wait: (after) => {
      const place = connection.generations(partition).placeOf(after)
      // Reading after a position that is not of this log fails.
      return place.kind === "known" ? head.wait(partition, place.number) : Effect.void
    },

    locate: (time) =>
      fromPromise(async () => {
        const [reply, generations] = await run(scripts.locate, () => [finite(time)])
        return generations.positionOf(number(reply))
      }),

    bounds: fromPromise(async () => {
      const [reply, generations] = await run(scripts.bounds, () => [])
      const [tail, last, kept, oldest] = list(reply)
      return {
        tail: generations.positionOf(number(tail)),
        head: generations.positionOf(number(last)),
        bytes: number(kept),
        oldestAt: oldest === null ? null : number(oldest),
      }
    }),

    stats: (upTo) =>
      fromPromise(async () => {
        const [reply, generations] = await run(scripts.stats, (known) => [numberOf(known, upTo)])
        const [entries = 0, events = 0, total = 0] = numbers(orOutside(reply, generations, upTo))
        return { entries, events, bytes: total }
      }),

    trim: (released, olderThan) =>
      fromPromise(async () => {
        for (let isMore = true; isMore; ) {
          // In pieces, between which appends get their turn.
          const [reply] = await run(scripts.trim, (known) => [known.releasedBy(released), finite(olderThan)])
          isMore = number(reply) === 1
        }
      }),
  }
}

export const eventLog = (
  connection: Connection,
  head: Head,
  writers: ReadonlyArray<Appending>,
): EventLog.EventLog["Service"] =>
  EventLog.servePartitions(
    writers.map((writer, partition) => partitionLog(connection, head, partition, writer)),
    () => connection.safety.durability,
  )
