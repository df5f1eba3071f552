import { goldenOptions, goldenReplies } from "@millrace/testkit"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { open, request, run } from "../support/intake.ts"

describe("golden replies", () => {
  it.each(goldenReplies.map((golden) => [golden.name, golden] as const))("%s", (_, golden) =>
    run(
      Effect.gen(function* () {
        const { http } = yield* open(goldenOptions)
        const reply = yield* http.handle(request(golden.request))
        expect(reply).toEqual(golden.reply)
      }),
    ),
  )
})
