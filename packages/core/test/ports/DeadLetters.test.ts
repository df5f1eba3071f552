import { DeadLetters } from "@millrace/core"
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"

it("the memory's letters keep within their bytes, the oldest going first", () =>
  Effect.gen(function* () {
    const port = yield* DeadLetters.DeadLetters
    const mebibyte = "x".repeat(1024 * 1024)
    const count = DeadLetters.limits.maxBytes / mebibyte.length
    for (let number = 0; number < count + 5; number++) {
      yield* port.put([
        {
          destination: "warehouse",
          eventId: String(number),
          reason: "refused",
          message: "",
          status: 422,
          deadAt: Date.now(),
          receivedAt: 0,
          eventName: "",
          event: mebibyte,
          replayedAt: null,
        },
      ])
    }
    expect(yield* port.count).toEqual(new Map([["warehouse", count]]))
    expect(yield* port.purge({ eventIds: ["0", "1", "2", "3", "4"] })).toBe(0)
    // What is purged makes room.
    yield* port.purge({ eventIds: ["5"] })
    expect(yield* port.purge({})).toBe(count - 1)
  }).pipe(Effect.provide(DeadLetters.layerMemory()), Effect.runPromise))
