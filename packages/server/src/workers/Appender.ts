import { type EventLog, StoreError } from "@millrace/core"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Append } from "./Channel.ts"

type Log = Pick<EventLog.EventLog["Service"], "append">

const overloaded = Exit.fail(
  new StoreError({ reason: { _tag: "Unavailable" }, message: "too much waits for the store" }),
)

const isFull = (cause: Cause.Cause<StoreError>): boolean => {
  const error = Cause.squash(cause)
  return error instanceof StoreError && error.reason._tag === "Full"
}

const byPartition = (appends: ReadonlyArray<Append>): ReadonlyMap<number, ReadonlyArray<Append>> => {
  const [first] = appends
  if (appends.every(({ partition }) => partition === first?.partition)) {
    return new Map(first === undefined ? [] : [[first.partition, appends]])
  }
  const parts = new Map<number, Array<Append>>()
  for (const append of appends) {
    const part = parts.get(append.partition)
    if (part === undefined) parts.set(append.partition, [append])
    else part.push(append)
  }
  return parts
}

/**
 * Appends what workers send, all that comes at once together. Answers each when it is safe, or with
 * the reason why it is not.
 *
 * @param maxBytes how many bytes of bodies may wait for the store at once, from all workers
 * together
 */
export const make = (
  log: Log,
  maxBytes: number,
  context: Context.Context<never>,
): ((appends: ReadonlyArray<Append>) => void) => {
  const run = Effect.runCallbackWith(context)
  let inFlight = 0

  const append = (appends: ReadonlyArray<Append>, partition: number): void => {
    const bytes = appends.reduce((sum, { entry }) => sum + entry.body.length, 0)
    if (inFlight + bytes > maxBytes) {
      for (const { answer } of appends) answer(overloaded)
      return
    }
    inFlight += bytes
    const entries = appends.map(({ entry }) => entry)
    run(log.append(entries, partition), {
      onExit: (exit) => {
        inFlight -= bytes
        if (Exit.isSuccess(exit)) {
          for (const [index, { answer }] of appends.entries()) answer(Exit.succeed(exit.value[index]!))
        } else if (appends.length > 1 && isFull(exit.cause)) {
          // For one of them there may be room.
          for (const one of appends) append([one], partition)
        } else for (const { answer } of appends) answer(Exit.failCause(exit.cause))
      },
    })
  }

  return (appends) => {
    for (const [partition, part] of byPartition(appends)) append(part, partition)
  }
}
