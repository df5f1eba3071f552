import { setImmediate } from "node:timers/promises"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { Slice, sliceBytes } from "../../src/base/slices.ts"
import type { HttpIngest } from "../../src/intake/HttpIngest.ts"
import * as Wire from "../../src/intake/Wire.ts"
import { keys, open, request, run, sdkBody } from "../support/intake.ts"
import { bytesOf, id, limits, receivedAt, sdk, webhook } from "../support/wire.ts"

const size = 1_500_000

const repeated = (unit: string): string =>
  Array(Math.floor(size / (unit.length + 1)))
    .fill(unit)
    .join(",")
const list = (events: string, rest = ""): Uint8Array => bytesOf(`{"events":[${events}]${rest}}`)
const padding = "x".repeat(900)
const usual = (fields: object = {}): string =>
  JSON.stringify({
    ...{ eventName: "page_view", user: { userID: "u", custom: { plan: "gold" } }, time: receivedAt },
    ...{ value: "home", metadata: { padding }, secondaryExposures: [] },
    ...fields,
  })
const members = (count: number) => Array.from({ length: count }, (_, n) => `"k${n}":${n}`).join(",")

/** Each larger than what is outlined in one go. */
const bodies: Readonly<Record<string, Uint8Array>> = {
  usual: list(repeated(usual())),
  "usual, not ASCII": list(repeated(usual({ value: "ü" }))),
  "with one refused": list(`${repeated(usual())},{}`),
  "all refused": list(repeated(usual({ eventName: "" }))),
  "of ten thousand refused": list(
    Array(10_000)
      .fill(`{"pad":"${"x".repeat(140)}"}`)
      .join(","),
  ),
  "with every key twice": list(repeated(`{"eventName":"e","metadata":{${members(40)},${members(40)}}}`)),
  "with private attributes": list(repeated(usual({ user: { privateAttributes: { a: [{}] } } }))),
  "with NaN": list(repeated(usual({ value: 1 }).replace('"value":1', '"value":NaN'))),
  "with infinite numbers": list(repeated(usual({ value: 1 }).replace('"value":1', '"value":1e999'))),
  "with a byte that is not UTF-8": (() => {
    const bytes = list(repeated(usual()))
    bytes[bytes.length >> 1] = 0xff
    return bytes
  })(),
  "with times as text": list(repeated(usual({ time: "2026-11-01T10:00:00Z" }))),
  "with escapes": list(repeated(`{"eventName":"e","time":1e3,"value":"${"\\u0061".repeat(200)}"}`)),
  "nested deep": list(
    repeated(`{"eventName":"e","time":1e3,"metadata":${'{"a":'.repeat(58)}1${"}".repeat(58)}}`),
  ),
  "with an exponent": list(`${repeated(usual())},{"eventName":"e","time":1e3}`),
  "of white space": list(`{"eventName":"e","time":1e3}${" ".repeat(size)}`),
  "with much beside the events": list('{"eventName":"e","time":1e3}', `,"user":{},"x":"${"x".repeat(size)}"`),
  "that is no JSON at its end": bytesOf(`{"events":[${repeated(usual())}`),
  exported: bytesOf(`[${repeated(usual({ timestamp: receivedAt }))}]`),
}

/** Calls that make something of bytes or text, with how much they are given. */
const watched = (use: (note: (units: number) => void) => void, note: (units: number) => void): void => {
  const { parse } = JSON
  const { decode } = TextDecoder.prototype
  const { encode } = TextEncoder.prototype
  JSON.parse = (text: string, ...rest: []) => {
    note(text.length)
    return parse(text, ...rest)
  }
  TextDecoder.prototype.decode = function (bytes, options) {
    note(bytes?.byteLength ?? 0)
    return decode.call(this, bytes, options)
  }
  TextEncoder.prototype.encode = function (text) {
    note(text?.length ?? 0)
    return encode.call(this, text)
  }
  try {
    use(note)
  } finally {
    JSON.parse = parse
    TextDecoder.prototype.decode = decode
    TextEncoder.prototype.encode = encode
  }
}

describe.each(Object.entries(bodies))("a large body %s", (name, body) => {
  const head = name === "exported" ? webhook : sdk

  it("is read in slices, each of them a bounded amount of work", () => {
    let work = 0
    class Counted extends Slice {
      override isFull(bytes: number): boolean {
        work += bytes
        return super.isFull(bytes)
      }
    }
    const made: Array<number> = [0]
    watched(
      () => {
        const slices = Wire.decodeInSlices(head, body, id, limits, new Counted())
        while (slices.next().done !== true) made.push(0)
      },
      (units) => {
        made[made.length - 1]! += units
      },
    )
    expect(body.length).toBeGreaterThan(1024 * 1024)
    // It is looked at once at least.
    expect(work).toBeGreaterThanOrEqual(body.length)
    expect(made.length).toBeGreaterThanOrEqual(Math.floor(body.length / sliceBytes))
    // Something may be made more than once of what an event holds.
    expect(Math.max(...made)).toBeLessThan(3 * sliceBytes)
  })
})

it("a body is read in one go only up to a size that no slice is smaller than", () => {
  expect(Wire.atOnce).toBeLessThanOrEqual(sliceBytes)
})

describe("an event of a large body", () => {
  const zeros = (count: number) => `[${Array(count).fill("0").join(",")}]`
  const text = (value: string) => `{"events":[${usual()},{"eventName":"costly","metadata":{"a":${value}}}]}`

  it.each([
    ["values", zeros(32_769)],
    ["different keys", `{${members(10_000)}}`],
    ["digits", "1".repeat(65_537)],
  ])("that has too many %s is refused alone", (_, value) => {
    const result = Wire.decode(sdk, bytesOf(text(value)), id, limits)
    if (Result.isFailure(result)) throw new Error(result.failure.message)
    expect(result.success.eventNames).toEqual(["page_view"])
    expect(result.success.rejected).toEqual([
      {
        index: 1,
        message: "events[1]: more than 32768 values, 8192 different keys or 65536 digits",
        eventName: "costly",
        event: "",
      },
    ])
  })

  it.each([
    ["values", zeros(32_000)],
    ["different keys", `{${members(8_000)}}`],
    ["digits", "1".repeat(65_000)],
    ["letters", `"${"x".repeat(1_000_000)}"`],
  ])("may have many %s", (_, value) => {
    const result = Wire.decode(sdk, bytesOf(text(value)), id, limits)
    expect(Result.isSuccess(result) && result.success.rejectedCount).toBe(0)
  })
})

const lenient = { keys, validation: "lenient" as const }

/** What is left to read of it takes some turns of the event loop. */
const large = () => request({ body: bodies["with every key twice"]! })

describe("while a large body is read", () => {
  const named = (name: string) => request({ body: sdkBody({ eventName: name, user: {}, time: receivedAt }) })

  const statuses =
    (http: HttpIngest["Service"], order: Array<string>) => (name: string, one: ReturnType<typeof request>) =>
      Effect.forkChild(
        Effect.map(http.handle(one), ({ status }) => order.push(`${name} ${status}`)),
        { startImmediately: true },
      )

  it("small ones are answered", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open(lenient)
        const order: Array<string> = []
        const send = statuses(http, order)
        const first = yield* send("large", large())
        yield* Effect.promise(() => setImmediate())
        yield* Fiber.join(yield* send("small", named("small")))
        expect(order).toEqual(["small 202"])
        yield* Fiber.join(first)
        expect(order).toEqual(["small 202", "large 202"])
        // Each is one append.
        expect((yield* stored).map(({ events }) => events)).toEqual([1, expect.any(Number)])
      }),
    ))

  it("it counts among what waits for the store", () =>
    run(
      Effect.gen(function* () {
        const { http } = yield* open({
          ...lenient,
          limits: { bodyBytes: 2_000_000, inFlightBytes: 2_000_000 },
        })
        const order: Array<string> = []
        const send = statuses(http, order)
        const first = yield* send("first", large())
        yield* Fiber.join(yield* send("second", large()))
        yield* Fiber.join(first)
        yield* Fiber.join(yield* send("third", large()))
        expect(order).toEqual(["second 503", "first 202", "third 202"])
      }),
    ))

  it("closing waits for it", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open(lenient)
        const order: Array<string> = []
        const first = yield* statuses(http, order)("large", large())
        expect(yield* stored).toEqual([])
        yield* http.close
        expect(yield* stored).toHaveLength(1)
        yield* Fiber.join(first)
        expect(order).toEqual(["large 202"])
      }),
    ))

  it("nothing of it is appended before all of it was read", () =>
    run(
      Effect.gen(function* () {
        const appended = yield* Deferred.make<void>()
        const { http } = yield* open(lenient, {
          log: (log) => ({
            ...log,
            append: (...call) => Effect.andThen(Deferred.succeed(appended, undefined), log.append(...call)),
          }),
        })
        const order: Array<string> = []
        const broken = bodies["that is no JSON at its end"]!
        yield* Fiber.join(yield* statuses(http, order)("broken", request({ body: broken })))
        expect(order).toEqual(["broken 400"])
        expect(yield* Deferred.isDone(appended)).toBe(false)
      }),
    ))
})
