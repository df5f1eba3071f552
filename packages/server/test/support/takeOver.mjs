// A process of its own: takes over every cursor of a file, `takeOver.mjs <file>`, says so, and
// lives on without ever delivering.
import { Cursors } from "@millrace/core/store"
import { layer } from "@millrace/store-sqlite"
import * as Effect from "effect/Effect"

await Effect.runPromise(
  Effect.provide(
    Effect.gen(function* () {
      const cursors = yield* Cursors.Cursors
      for (const { name } of yield* cursors.list) yield* cursors.acquire(name)
      console.log("taken")
      return yield* Effect.forever(Effect.sleep("1 hour"))
    }),
    layer({ path: process.argv[2] }),
  ),
)
