import type { Tail } from "@millrace/core"
import type { Command } from "commander"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { json } from "../text/SafeText.ts"
import { ending } from "./ending.ts"
import { list, operate, remark, type StoreFlags, storeCommand } from "./operate.ts"

/** Whoever reads slowly makes us wait, and nobody else. */
const printLine = (line: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (process.stdout.write(line)) resume(Effect.void)
    else process.stdout.once("drain", () => resume(Effect.void))
  })

const show = (tailed: Tail.Tailed): Effect.Effect<void> =>
  "event" in tailed
    ? printLine(`${json(tailed.event)}\n`)
    : Effect.sync(() => remark(`${tailed.missed} events were dropped by the log before they could be shown`))

interface Flags extends StoreFlags {
  readonly destination?: string
  readonly filter?: ReadonlyArray<string>
}

export const command = (): Command =>
  storeCommand("tail", "Show events as they are accepted, as JSON lines, until it is interrupted")
    .option("--destination <id>", "only what it gets, in the form it gets it")
    .option("--filter <glob>", "only events of such names, like checkout_*; may be repeated", list)
    .action(({ destination, filter, ...flags }: Flags) =>
      operate(flags, false, ({ admin }) =>
        Effect.gen(function* () {
          const events = yield* admin.tail({
            ...(destination === undefined ? {} : { destination }),
            ...(filter === undefined ? {} : { names: filter }),
          })
          remark("waiting for events")
          yield* Effect.raceFirst(Stream.runForEach(events, show), ending)
        }),
      ),
    )
