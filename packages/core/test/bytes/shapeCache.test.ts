import * as fc from "fast-check"
import { expect, test } from "vitest"
import * as Outline from "../../src/bytes/bodyScanner.ts"
import { Shapes } from "../../src/bytes/shapeCache.ts"
import { bytesOf } from "../support/wire.ts"

class CountingShapes extends Shapes {
  recognized = 0

  override recognize(...of: Parameters<Shapes["recognize"]>): number {
    const end = super.recognize(...of)
    if (end >= 0) this.recognized += 1
    return end
  }
}

const usual = fc.oneof(
  fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
  fc.integer().map(String),
  fc.constantFrom('"a"', '""', "1790000000000", "-0.5", "0"),
)
const odd = fc.constantFrom(
  ...['"ü"', '"a\\n"', '"\\u0041"', '"\\x"', '"\\ud800"', '"\t"', '"', "", "01", "1.", "1e3", "-", "+1"],
  ...["12345678901234567890123456", "true", "null", "nul", "{}", "[]", "[1,2]", '{"a":{"b":{"c":"d"}}}'],
  ...['"a","userID":"b"', '{"privateAttributes":null}', '{"privateAttributes":{"a":1}}', '1,"user":{}'],
)
const mostly = (expected: fc.Arbitrary<string>) => fc.oneof({ weight: 20, arbitrary: expected }, odd)
const name = mostly(fc.constantFrom('"page_view"', '"click"', '"ü"'))
const time = mostly(fc.oneof(fc.constant("1790000000000"), fc.integer().map(String)))
const value = mostly(usual)
const space = fc.oneof({ weight: 9, arbitrary: fc.constant("") }, fc.constantFrom(" ", "\n\t"))

/** A few ways to write an event, with places for values. */
const event = fc.oneof(
  fc
    .tuple(name, value, value, time, value)
    .map(
      ([a, b, c, d, e]) =>
        `{"eventName":${a},"user":{"userID":${b},"custom":{"k":${c}}},"time":${d},"value":${e}}`,
    ),
  fc
    .tuple(name, time, space, value, value)
    .map(
      ([a, b, gap, c, d]) => `{"time":${b},${gap}"eventName":${gap}${a},"metadata":{"ü":${c}, "y" : ${d}}}`,
    ),
  fc
    .tuple(name, fc.constantFrom("null", "{}"), value, value)
    .map(
      ([a, b, c, d]) =>
        `{"eventName":${a},"statsigMetadata":${b},"user":{"customIDs":{"x":${c}},"privateAttributes":null},"value":${d}}`,
    ),
  fc
    .tuple(value, value, value)
    .map(
      ([a, b, c]) =>
        `{"eventName":"e","secondaryExposures":[{"gate":${a},"gateValue":${b}},[${c}]],"value":null}`,
    ),
  fc
    .tuple(name, space, value)
    .map(([a, gap, b]) => `{${gap}"user":null,"eventName":${a},"other":${b}${gap}}`),
)

const bytes = fc
  .tuple(
    fc.array(event, { minLength: 1, maxLength: 5 }),
    fc.option(fc.record({ at: fc.nat(), drop: fc.nat(1), byte: fc.nat(255) }), { freq: 8 }),
  )
  .map(([events, change]) => {
    const whole = bytesOf(`{"events":[${events.join(",")}],"user":{"userID":"u"}}`)
    if (change === null) return whole
    const at = change.at % (whole.length + 1)
    return Uint8Array.from([...whole.subarray(0, at), change.byte, ...whole.subarray(at + change.drop)])
  })

const found = (outline: Outline.Outline | null) =>
  outline && { ...outline, fields: [...outline.fields.subarray(0, outline.events * Outline.stride)] }

test("what is recognized is read as if it had never been seen before", () => {
  const shapes = new CountingShapes()
  const read = Outline.makeRead(shapes)
  const readAnew = Outline.makeRead(null)
  let outlined = 0
  fc.assert(
    fc.property(bytes, fc.integer({ min: 3, max: 7 }), fc.boolean(), (body, nesting, strictly) => {
      const limits = { events: 4, nesting, strictly }
      const expected = found(readAnew(body, limits))
      expect(found(read(body, limits))).toEqual(expected)
      if (expected !== null) outlined += 1
    }),
    { numRuns: 20_000 },
  )
  expect(outlined).toBeGreaterThan(2_000)
  expect(shapes.recognized).toBeGreaterThan(2_000)
})

test("an event like one before is recognized, whatever its values, and others between them", () => {
  const shapes = new CountingShapes()
  const read = Outline.makeRead(shapes)
  const limits = { events: 10, nesting: 9, strictly: false }
  const bodyOf = (text: string) =>
    bytesOf(`{"events":[{"eventName":"${text}","value":1},{"eventName":"${text}","value":"${text}"}]}`)
  read(Buffer.from(bodyOf("first")), limits)
  expect(shapes.recognized).toBe(0)
  // Hosts have buffers, whose methods are not all those of other arrays.
  for (const text of ["a", "語", "another"]) read(Buffer.from(bodyOf(text)), limits)
  expect(shapes.recognized).toBe(6)
})

test("what is remembered is bounded, and so is the time that is spent on learning", () => {
  const shapes = new CountingShapes()
  const learned: Array<number> = []
  const learn = shapes.learn.bind(shapes)
  shapes.learn = (...of) => {
    learned.push(of[2] - of[1])
    learn(...of)
  }
  const read = Outline.makeRead(shapes)
  const limits = { events: 1, nesting: 9, strictly: false }
  const bodyOf = (key: string) => bytesOf(`{"events":[{"eventName":"e","${key}":"v"}]}`)
  for (let n = 0; n < 10_000; n++) expect(read(bodyOf(`key${n}`), limits)?.events).toBe(1)
  expect(learned.length).toBe(10_000)
  read(bodyOf("key0"), limits)
  expect(shapes.recognized).toBe(1)
  read(bodyOf("key9999"), limits)
  expect(shapes.recognized).toBe(1)
})

/** Counts the comparisons with what is remembered, in bytes. */
class MeasuredShapes extends CountingShapes {
  compared = 0

  constructor() {
    super()
    const isAt = Reflect.get(this, "isAt") as (...of: ReadonlyArray<unknown>) => boolean
    Reflect.set(this, "isAt", (step: { readonly bytes: Uint8Array }, ...of: ReadonlyArray<unknown>) => {
      this.compared += step.bytes.length
      return isAt.call(this, step, ...of)
    })
  }
}

const fields = (count: number, name: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => `"${name(n)}":"v"`).join(",")

/** What a sender may have us learn; each gives an event by its number. */
const hostile: Readonly<Record<string, (n: number) => string>> = {
  "nothing but events that are all different": (n) => `{"eventName":"e","key_${n}":"v"}`,
  "a hundred kinds of event, each many times": (n) => `{"eventName":"e","key_${n % 100}":"v"}`,
  "kinds that begin as the usual one does": (n) =>
    `{"eventName":"e","user":{"userID":"u"},"time":1,"metadata":{"page":"p","other_${n % 40}":"v"}}`,
  "kinds that part late, at each step": (n) =>
    `{"eventName":"e",${fields(30, (at) => (at === n % 30 ? `odd_${n % 7}` : `a_key_that_is_the_same_${at}`))}}`,
  "long events": (n) => `{"eventName":"e",${fields(150, (at) => `long_${at}_${n % 20}`)}}`,
  "what is long beside its values": (n) => `{"eventName":"e","list_${n % 20}":[${"null,".repeat(2000)}null]}`,
}

const usualEvent = (n: number): string =>
  `{"eventName":"e","user":{"userID":"user-${n}"},"time":${n},"metadata":{"page":"p${n}","plan":"x"}}`

const readAll = (shapes: MeasuredShapes, events: ReadonlyArray<string>) => {
  const { recognized, compared } = shapes
  const read = Outline.makeRead(shapes)
  const limits = { events: 1, nesting: 9, strictly: false }
  for (const event of events) expect(read(bytesOf(`{"events":[${event}]}`), limits)?.events).toBe(1)
  return { recognized: shapes.recognized - recognized, compared: shapes.compared - compared }
}

const usualEvents = Array.from({ length: 200 }, (_, n) => usualEvent(n))

test.each(Object.entries(hostile))("whoever sends %s does not make others slow", (_, event) => {
  const alone = new MeasuredShapes()
  readAll(alone, usualEvents)
  const expected = readAll(alone, usualEvents)

  const taught = new MeasuredShapes()
  readAll(
    taught,
    Array.from({ length: 5_000 }, (_, n) => event(n)),
  )
  readAll(taught, usualEvents)
  const found = readAll(taught, usualEvents)
  expect(found.recognized).toBe(usualEvents.length)
  expect(found.compared).toBeLessThanOrEqual(expected.compared * 1.1)
})

test.each(Object.entries(hostile))("others stay recognized beside a sender of %s", (_, event) => {
  const shapes = new MeasuredShapes()
  readAll(shapes, usualEvents)
  let recognized = 0
  let compared = 0
  for (let n = 0; n < 2_000; n++) {
    readAll(shapes, [event(n)])
    const one = readAll(shapes, [usualEvent(n)])
    recognized += one.recognized
    compared += one.compared
  }
  expect(recognized).toBeGreaterThan(1_900)
  // Four times what it is alone: one comparison in vain at each step, and some more.
  expect(compared / 2_000).toBeLessThan(4 * usualEvent(0).length)
})

test.each(Object.entries(hostile))("a sender of %s is not slow itself", (_, event) => {
  const shapes = new MeasuredShapes()
  const events = Array.from({ length: 5_000 }, (_, n) => event(n))
  readAll(shapes, events)
  const { compared } = readAll(shapes, events)
  const bytes = events.reduce((sum, text) => sum + text.length, 0)
  expect(compared / bytes).toBeLessThan(16)
})
