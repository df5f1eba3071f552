import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { without } from "../../src/entry/privateAttributes.ts"
import * as Wire from "../../src/intake/Wire.ts"
import {
  accepted,
  bytesOf,
  decodeText,
  entryOf,
  id,
  limits,
  plainHttp,
  read,
  sdk,
  textOf,
  webhook,
} from "../support/wire.ts"

describe("without", () => {
  it("leaves them out and nothing else", () => {
    const user = JSON.parse('{"userID":"u","privateAttributes":null,"__proto__":{"a":1}}')
    expect(JSON.stringify(without(user))).toBe('{"userID":"u","__proto__":{"a":1}}')
  })

  it("gives the same object when there are none", () => {
    const user = { userID: "u" }
    expect(without(user)).toBe(user)
  })
})

/** Nothing that the generators below make but private attributes has it. */
const secret = "pRiVy"

/** JSON text that spells its letters and spaces its tokens as the choices say. */
const disguise = (value: unknown, choose: () => number): string => {
  const space = () => [" ", "\n", "\t\r", "", "", ""][choose() % 6] ?? ""
  const text = (string: string): string =>
    `"${[...JSON.stringify(string).slice(1, -1)]
      .map((char, at, all) => {
        const isPlain = /[A-Za-z]/.test(char) && !all.slice(Math.max(0, at - 5), at).includes("\\")
        const digits = char.charCodeAt(0).toString(16).padStart(4, "0")
        if (!isPlain || choose() % 4 > 0) return char
        return `\\u${choose() % 2 === 0 ? digits : digits.toUpperCase()}`
      })
      .join("")}"`
  if (typeof value === "string") return text(value)
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const parts = Array.isArray(value)
    ? value.map((item) => disguise(item, choose))
    : Object.entries(value).map(([key, item]) => `${text(key)}${space()}:${space()}${disguise(item, choose)}`)
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"]
  return open + space() + parts.join(`${space()},${space()}`) + space() + close
}

const privates = fc.oneof(
  fc.constant(secret),
  fc.constant([secret]),
  fc.dictionary(
    fc.constantFrom("plan", secret, "privateAttributes"),
    fc.constantFrom<unknown>(secret, [{ a: secret }], null),
  ),
)
const harmless = fc.constantFrom<unknown>("a", 5, null, [], {}, ["b"], { a: [1] }, "\\")
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    harmless,
    fc.array(tie("tree"), { maxLength: 3 }),
    fc.record({ a: tie("tree"), privateAttributes: privates }, { requiredKeys: [] }),
  ),
}))
const user = fc.oneof(
  fc.record(
    { userID: fc.constantFrom<unknown>("u", 5), custom: tree, privateAttributes: privates },
    { requiredKeys: [] },
  ),
  tree,
  // Written as JSON into a string, once or twice.
  privates.map((privateAttributes) => JSON.stringify({ privateAttributes })),
  privates.map((privateAttributes) => JSON.stringify(JSON.stringify({ privateAttributes }))),
)
const event = fc.record(
  {
    user,
    eventName: fc.oneof({ weight: 5, arbitrary: fc.constant("x") }, harmless),
    time: fc.constantFrom<unknown>(1, 1, 1.5, "soon"),
    metadata: fc.oneof(fc.constant({}), tree),
    statsigMetadata: tree,
    secondaryExposures: tree,
  },
  { requiredKeys: ["eventName"] },
)
const body = fc.oneof(
  fc.record(
    { events: fc.array(event), user, statsigMetadata: tree, other: tree },
    { requiredKeys: ["events"] },
  ),
  fc.record({ data: fc.array(event) }),
  fc.array(event),
  event,
)

const everything = (result: ReturnType<typeof Wire.decode>): string =>
  result._tag === "Failure"
    ? result.failure.message
    : JSON.stringify([
        result.success.rejected,
        result.success.eventNames,
        result.success.entry?.envelope,
        textOf(result.success.entry?.body ?? new Uint8Array()),
      ])

describe("private attributes are nowhere in what is kept", () => {
  it("wherever they stand and however they are spelled", () => {
    let kept = 0
    fc.assert(
      fc.property(
        fc.constantFrom(plainHttp, sdk, webhook, { ...webhook, sdkType: "x" }),
        body,
        fc.infiniteStream(fc.nat({ max: 1000 })),
        (head, value, choices) => {
          const text = disguise(value, () => choices.next().value ?? 0)
          expect(JSON.parse(text)).toEqual(value)
          const result = decodeText(head, text)
          if (result._tag === "Success" && result.success.entry !== null) kept++
          expect(everything(result).toLowerCase()).not.toContain(secret.toLowerCase())
        },
      ),
      { numRuns: 1000 },
    )
    expect(kept).toBeGreaterThan(100)
  })

  it.each([
    ['{"events":[{"eventName":"x","user":{"privateAttributes":{"a":"pRiVy"},"privateAttributes":null}}]}'],
    ['{"events":[{"eventName":"x","user":{"privateAttributes":null,"privateAttributes":{"a":"pRiVy"}}}]}'],
    ['{"events":[{"eventName":"x"}],"events":[{"eventName":"y","user":{"privateAttributes":"pRiVy"}}]}'],
    ['{"events":[{"eventName":"y","user":{"privateAttributes":"pRiVy"}}],"events":[{"eventName":"x"}]}'],
    ['{"events":[{"eventName":"x"}],"user":"{\\"privateAttributes\\":\\"pRiVy\\"}"}'],
    ['{"events":[{"eventName":"x"}],"user":"{\\"priv\\\\u0061teAttributes\\":\\"pRiVy\\"}"}'],
    ['{"events":[{"eventName":"x"}],"user":["{\\"privateAttributes\\":\\"pRiVy\\"}"]}'],
    ['{"events":[{"eventName":"x"},{"user":"{\\"priv\\\\u0061teAttributes\\":\\"pRiVy\\"}"}]}'],
    ['{"events":[{"eventName":"x"},"{\\"user\\":{\\"priv\\\\u0061teAttributes\\":\\"pRiVy\\"}}"]}'],
    ['{"events":[{"eventName":"x"},"{\\"user\\":{\\"privateAttributes\\":\\"pRiVy\\"}}"]}'],
    ['{"events":[{"eventName":"x"},{"{\\"privateAttributes\\":\\"pRiVy\\"}":1}]}'],
    ['{"events":[{"eventName":"x"},{"eventName":"privateAttributes pRiVy","user":5}]}'],
    ['{"events":[{"eventName":"x","user":{"\\ud800":"\\udc00","privateAttributes":"pRiVy"}}]}'],
  ])("%s", (text) => {
    const result = decodeText(sdk, text)
    expect(accepted(result).entry?.events).toBe(1)
    expect(everything(result)).not.toContain(secret)
  })

  it("also when the bytes around them are not UTF-8", () => {
    const [before, after] = ['{"events":[{"eventName":"', '","user":{"privateAttributes":"pRiVy"}}]}'].map(
      bytesOf,
    )
    const bytes = new Uint8Array([...(before ?? []), 0xff, ...(after ?? [])])
    expect(everything(Wire.decode(sdk, bytes, id, limits))).not.toContain(secret)
  })

  it("and what stands beside them is kept, a lone surrogate too", () => {
    const text =
      '{"events":[{"eventName":"x","user":{"userID":"\\ud800","privateAttributes":{"a":1}},"metadata":{"note":"privateAttributes"}}]}'
    const entry = entryOf(decodeText(sdk, text))
    expect(textOf(entry.body)).toBe(
      '{"events":[{"eventName":"x","user":{"userID":"\\ud800"},"metadata":{"note":"privateAttributes"}}]}',
    )
    expect(read(entry).events[0]).toMatchObject({
      user: { userID: "\ud800" },
      metadata: { note: "privateAttributes" },
    })
  })

  it("a body in which they are null is kept as it came, and read without them", () => {
    const text =
      '{"events":[{"eventName":"x","user":{"userID":"u","privateAttributes":null}}],"user":{"privateAttributes":null}}'
    const entry = entryOf(decodeText(sdk, text))
    expect(textOf(entry.body)).toBe(text)
    expect(read(entry).events[0]?.user).toStrictEqual({ userID: "u" })
  })
})
