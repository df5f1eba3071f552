import { once } from "node:events"
import { writeSync } from "node:fs"
import { EventLog, Members } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { layer } from "../../src/index.ts"

// A process of its own: `child.ts <what to do> <file> [number of the first entry, or "exit"]`.

const [, , task, path = "", first = "0"] = process.argv
const say = (line: string): void => {
  writeSync(1, `${line}\n`)
}

const appendOne = (number: number) =>
  Effect.gen(function* () {
    const log = yield* EventLog.EventLog
    yield* log.append([
      {
        id: number.toString(16).padStart(32, "0"),
        events: 1,
        envelope: "{}",
        // Large and small, so that some span pages.
        body: new Uint8Array((number * 7919) % 20_000).fill(number),
      },
    ])
    say(String(number))
  })

const store = layer({ path })

switch (task) {
  /** Appends without end, saying the number of each entry once it is acknowledged. */
  case "append": {
    let next = Number(first)
    const appender = Effect.forever(Effect.suspend(() => appendOne(next++)))
    await Effect.runPromise(
      Effect.provide(
        Effect.all(
          Array.from({ length: 16 }, () => appender),
          { concurrency: "unbounded" },
        ),
        store,
      ),
    )
    break
  }
  /** Appends one, closes, and then has nothing left to do. */
  case "close": {
    await Effect.runPromise(Effect.provide(appendOne(Number(first)), store))
    say("closed")
    break
  }
  /** Appends one, waits for another, and never closes. */
  case "leave": {
    const runtime = ManagedRuntime.make(store)
    await runtime.runPromise(appendOne(Number(first)))
    runtime.runFork(
      Effect.gen(function* () {
        const log = yield* EventLog.EventLog
        yield* log.wait(0, (yield* log.bounds(0)).head)
      }),
    )
    break
  }
  /** Says whether it may use the file, by a user that is not root. */
  case "open": {
    process.seteuid?.(65_534)
    const opened = await Effect.runPromise(Effect.result(Effect.scoped(Layer.build(store))))
    say(opened._tag === "Success" ? "opened" : `${opened.failure.reason._tag} ${opened.failure.message}`)
    break
  }
  /** Says that it alone may deliver, and then lives on until SIGUSR2 has it close, or exit. */
  case "deliver": {
    await Effect.runPromise(
      Effect.provide(
        Effect.gen(function* () {
          const { claim } = yield* Members.Members
          yield* claim ?? Effect.die("nothing to claim")
          const told = once(process, "SIGUSR2")
          say("claimed")
          // To listen for a signal keeps no process alive.
          yield* Effect.raceFirst(
            Effect.promise(() => told),
            Effect.sleep("1 hour"),
          )
          if (first === "exit") process.exit(3)
        }),
        store,
      ).pipe(Effect.scoped),
    )
    break
  }
  default:
    throw new Error(`no such task: ${task}`)
}
