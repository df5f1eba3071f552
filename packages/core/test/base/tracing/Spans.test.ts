import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { describe, expect, it } from "vitest"
import * as Spans from "../../../src/base/tracing/Spans.ts"
import { StoreError } from "../../../src/ports/StoreError.ts"
import { keepSpans } from "../../support/spans.ts"

const work = (name: string): Spans.Work<unknown> => ({ name, kind: "internal", attributes: { events: 2 } })

const run = <A, E>(
  { context }: ReturnType<typeof keepSpans>,
  use: (spans: Spans.Spans) => Effect.Effect<A, E>,
): Promise<Exit.Exit<A, E>> =>
  Effect.runPromiseExit(
    Effect.provideContext(
      Effect.flatMap(Spans.make, (spans) => use(spans!)),
      context,
    ),
  )

const parentOf = ({ parent }: Tracer.Span): string | null =>
  Option.isSome(parent) ? parent.value.spanId : null

describe("spans", () => {
  it("are not made where nobody has given a tracer", () => {
    expect(Effect.runSync(Spans.make)).toBeNull()
  })

  it("are parts of what is around them", async () => {
    const kept = keepSpans()
    await run(kept, ({ begun, part, partOrBegun }) =>
      begun(Effect.andThen(part(Effect.void, work("b")), partOrBegun(Effect.void, work("c"))), work("a")),
    )
    expect(kept.names()).toEqual(["a", "b", "c"])
    const [a, b, c] = kept.spans
    expect([parentOf(a!), parentOf(b!), parentOf(c!)]).toEqual([null, a!.spanId, a!.spanId])
    expect(b!.attributes.get("events")).toBe(2)
    expect(kept.spans.map(({ status }) => status._tag)).toEqual(["Ended", "Ended", "Ended"])
  })

  it("are not made within a trace that is not kept, and its parts are not asked again", async () => {
    let asked = 0
    const kept = keepSpans(() => {
      asked += 1
      return false
    })
    await run(kept, ({ begun, partOrBegun }) => begun(partOrBegun(Effect.void, work("b")), work("a")))
    expect(kept.spans).toEqual([])
    expect(asked).toBe(1)
  })

  it("begin a trace where none is around them, for what is done by itself", async () => {
    const kept = keepSpans()
    await run(kept, ({ part, partOrBegun }) =>
      Effect.andThen(part(Effect.void, work("part")), partOrBegun(Effect.void, work("attempt"))),
    )
    expect(kept.names()).toEqual(["attempt"])
  })

  const caller = (sampled: boolean) =>
    Tracer.externalSpan({ traceId: "a".repeat(32), spanId: "b".repeat(16), sampled })

  it.each([
    ["wants it and may", true, true, false, true],
    ["wants it and may not, and it is not one of the few", true, false, false, false],
    ["wants it and may not, and it is one of the few", true, false, true, true],
    ["does not want it", false, true, true, false],
  ])("belong to the trace of a caller who %s", async (_, sampled, mayAsk, isKept, expected) => {
    const kept = keepSpans(() => isKept)
    await run(kept, ({ asked }) => asked(Effect.void, work("a"), caller(sampled), mayAsk))
    expect(kept.spans.map(({ traceId }) => traceId)).toEqual(expected ? ["a".repeat(32)] : [])
  })

  const secret = "hunter2"

  it.each<readonly [string, Effect.Effect<never, StoreError>, string]>([
    [
      "a failure",
      Effect.fail(new StoreError({ reason: { _tag: "Unavailable" }, message: secret })),
      "StoreError.Unavailable",
    ],
    ["a defect", Effect.die(new Error(secret)), "defect"],
  ])("say that there was %s, and nothing of what it said", async (_, failing, word) => {
    const kept = keepSpans()
    const exit = await run(kept, ({ begun }) => begun(failing, work("a")))
    // Whoever waits for it is told all.
    expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain(secret)
    const { status } = kept.spans[0]!
    expect(status._tag === "Ended" && Exit.isFailure(status.exit)).toBe(true)
    if (status._tag !== "Ended" || !Exit.isFailure(status.exit)) return
    expect(Cause.prettyErrors(status.exit.cause).map(({ name, message }) => [name, message])).toEqual([
      [word, word],
    ])
    expect(Cause.pretty(status.exit.cause)).not.toContain(secret)
    expect(kept.text()).not.toContain(secret)
  })

  it("are told as failed by what came of the work, which is passed on", async () => {
    const kept = keepSpans()
    const exit = await run(kept, ({ begun }) =>
      begun(Effect.succeed(503), {
        ...{ name: "a", kind: "client" as const, attributes: {} },
        ended: (status) => ({ attributes: { status }, problem: "not-now" }),
      }),
    )
    expect(exit).toEqual(Exit.succeed(503))
    const [span] = kept.spans
    expect(span!.attributes.get("status")).toBe(503)
    expect(span!.status._tag === "Ended" && Exit.isFailure(span!.status.exit)).toBe(true)
  })
})
