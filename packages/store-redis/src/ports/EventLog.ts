import { EventLog, Position, StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import type { Connection } from "../Connection.ts"
import { failed, fromPromise } from "../effects.ts"
import { corrupt } from "../errors.ts"
import type { Head } from "../Head.ts"
import type { Argument, Reply } from "../Link.ts"
import * as scripts from "../logScripts.ts"
import { bytes, list, number, numbers, text } from "../reply.ts"
import { finite, type Script } from "../Script.ts"
import type { Writer } from "../Writer.ts"

/** What no log of this kind made is outside every log. */
const numberOf = (position: Position.Position): number => {
  const value = Position.toNumber(position)
  return Number.isNaN(value) ? -1 : value
}

/** An entry but for its body, as the script wrote it. */
interface Stored extends Omit<EventLog.LogEntry, "body"> {
  /** The name of the body. */
  readonly bodyName: string
}

const toStored = (reply: Reply): Stored => {
  const [position, values] = list(reply)
  const [, entry, , envelope] = list(values)
  const [appendedAt, events, , , bodyName = "", ...id] = text(entry).split(" ")
  return {
    id: id.join(" "),
    events: Number(events),
    envelope: text(envelope),
    position: Position.fromNumber(Number.parseInt(text(position), 10)),
    appendedAt: Number(appendedAt),
    bodyName,
  }
}

const withBody = ({ bodyName: _, ...entry }: Stored, body: Reply | undefined): EventLog.LogEntry => {
  const { buffer, byteOffset, byteLength } = bytes(body)
  return { ...entry, body: new Uint8Array(buffer, byteOffset, byteLength) }
}

/** What scripts answer for a position outside the log: nothing, then its ends. */
const orOutside = (reply: Reply): ReadonlyArray<Reply> => {
  const [first, ...rest] = list(reply)
  if (first !== null) return list(reply)
  const [tail, head] = numbers(rest).map(Position.fromNumber)
  if (tail === undefined || head === undefined) throw new TypeError("the reply has no ends")
  throw new StoreError({
    reason: { _tag: "OutOfRange", tail, head, resumeAt: tail },
    message: `the position is outside the log, which holds those after "${tail}" up to "${head}"`,
  })
}

export const eventLog = (
  connection: Connection,
  head: Head,
  writers: ReadonlyArray<Writer>,
): EventLog.EventLog["Service"] => {
  const { partitions } = connection

  const run = (partition: number, script: Script, ...parameters: ReadonlyArray<Argument>): Promise<Reply> => {
    const { entries, bodies, state } = connection.keys.partition(partition)
    return connection.run(script, [entries, bodies, state], parameters)
  }

  const read = async (
    partition: number,
    after: number,
    limits: EventLog.ReadLimits,
  ): Promise<ReadonlyArray<EventLog.LogEntry>> => {
    const parameters = [after, finite(limits.maxEntries), finite(limits.maxBytes)]
    const found = orOutside(await run(partition, scripts.read, ...parameters)).map(toStored)
    if (found.length === 0) return []
    const { bodies } = connection.keys.partition(partition)
    const names = found.map(({ bodyName }) => bodyName)
    const stored = list(await connection.read("HMGET", [bodies, ...names]))
    if (!stored.includes(null)) return found.map((entry, index) => withBody(entry, stored[index]))
    // Trimmed in between: asked again, the log says so.
    orOutside(await run(partition, scripts.read, ...parameters))
    throw corrupt(`bodies of entries after ${after} are missing`)
  }

  /** A partition that is not there is a mistake of the program: it dies. */
  const on = <A>(partition: number, body: () => Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.suspend(() => {
      EventLog.requirePartition(partition, partitions)
      return body()
    })

  const ask = <A>(partition: number, body: () => Promise<A>): Effect.Effect<A, StoreError> =>
    on(partition, () => fromPromise(body))

  return {
    get durability() {
      return connection.safety.durability
    },
    partitions,

    append: (entries, partition = 0) =>
      Effect.clockWith((clock) =>
        on(partition, () =>
          Effect.callback((resume) => {
            const failure = connection.failure
            if (failure !== undefined) {
              resume(Effect.fail(failure))
              return
            }
            writers[partition]?.append(entries, clock.currentTimeMillisUnsafe(), (outcome) => {
              resume(
                outcome.kind === "stored"
                  ? Effect.succeed(outcome.positions.map(Position.fromNumber))
                  : failed(outcome.error),
              )
            })
          }),
        ),
      ),

    read: (partition, after, limits) => ask(partition, () => read(partition, numberOf(after), limits)),

    wait: (partition, after) => on(partition, () => head.wait(partition, numberOf(after))),

    locate: (partition, time) =>
      ask(partition, async () =>
        Position.fromNumber(number(await run(partition, scripts.locate, finite(time)))),
      ),

    bounds: (partition) =>
      ask(partition, async () => {
        const [tail, last, kept, oldest] = list(await run(partition, scripts.bounds))
        return {
          tail: Position.fromNumber(number(tail)),
          head: Position.fromNumber(number(last)),
          bytes: number(kept),
          oldestAt: oldest === null ? null : number(oldest),
        }
      }),

    stats: (partition, upTo) =>
      ask(partition, async () => {
        const found = numbers(orOutside(await run(partition, scripts.stats, numberOf(upTo))))
        const [entries = 0, events = 0, total = 0] = found
        return { entries, events, bytes: total }
      }),

    trim: (partition, released, olderThan) =>
      ask(partition, async () => {
        const upTo = Math.max(numberOf(released), 0)
        // In pieces, between which appends get their turn.
        while (number(await run(partition, scripts.trim, upTo, finite(olderThan))) === 1) {}
      }),
  }
}
