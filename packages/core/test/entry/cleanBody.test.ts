import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json, JsonObject } from "../../src/base/json.ts"
import { isObject } from "../../src/base/json.ts"
import type { Form } from "../../src/entry/bodyForms.ts"
import { clean } from "../../src/entry/cleanBody.ts"
import { bytesOf, textOf } from "../support/wire.ts"

const cleanText = (text: string, form: Form = "events", without: ReadonlyArray<number> = []): string =>
  textOf(clean(bytesOf(text), { form, without }))

/** The plain twin: what is left when JSON is read, and what has to go is taken from it. */
const twin = (text: string, form: Form, without: ReadonlyArray<number>): Json => {
  const withoutPrivate = (json: Json): Json => {
    if (json === Number.POSITIVE_INFINITY || json === Number.NEGATIVE_INFINITY) return null
    if (Array.isArray(json)) return json.map(withoutPrivate)
    if (typeof json !== "object" || json === null) return json
    return Object.fromEntries(
      Object.entries(json)
        .filter(([key]) => key !== "privateAttributes")
        .map(([key, value]) => [key, withoutPrivate(value)]),
    )
  }
  const cleaned = withoutPrivate(JSON.parse(text) as Json)
  const kept = (events: Json): Json =>
    (events as ReadonlyArray<Json>).filter((_, at) => !without.includes(at))
  if (form === "array") return kept(cleaned)
  const { user, ...rest } = cleaned as JsonObject
  const body = isObject(user) ? { user, ...rest } : rest
  return form === "single" ? cleaned : { ...body, [form]: kept(body[form]!) }
}

/** SDKs send private attributes as `null`: those may stay where they are. */
const withoutNulls = (json: Json): Json => {
  if (Array.isArray(json)) return json.map(withoutNulls)
  if (typeof json !== "object" || json === null) return json
  return Object.fromEntries(
    Object.entries(json)
      .filter(([key, value]) => key !== "privateAttributes" || value !== null)
      .map(([key, value]) => [key, withoutNulls(value)]),
  )
}

const key = fc.constantFrom(
  ...["a", "b", "ü", "", "user", "events", "\\u0061", "privateAttributes", "privat\\u0065Attributes", '\\"'],
  ...["__proto__", "2", ...Array.from("cdefghijkl")],
)
const scalar = fc.constantFrom(
  ...["1", "-0", "1.0", "1e3", "1e999", "-1E+999", "12345678901234567890", "null", "true", "false"],
  ...['"a"', '"\\"privateAttributes\\":1"', '"\\\\"', '"{"', `1${"0".repeat(400)}`],
)
const space = fc.constantFrom("", "", " ", "\n\t")
const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc
      .tuple(fc.array(tie("value"), { maxLength: 3 }), space)
      .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
    tie("object"),
  ),
  object: fc
    .tuple(fc.array(fc.tuple(key, tie("value")), { maxLength: 12 }), space)
    .map(
      ([members, gap]) =>
        `{${gap}${members.map(([name, text]) => `"${name}"${gap}:${gap}${text}`).join(`${gap},${gap}`)}${gap}}`,
    ),
}))
const body = fc
  .tuple(
    fc.constantFrom<Form>("events", "data", "array", "single"),
    fc.array(value, { maxLength: 4 }),
    fc.array(
      fc.tuple(
        key.filter((name) => name !== "events"),
        value,
      ),
      { maxLength: 3 },
    ),
    fc.array(fc.nat(3)),
    space,
  )
  .map(([form, items, rest, places, gap]) => {
    const list = `[${gap}${items.join(`${gap},${gap}`)}${gap}]`
    const members = rest.map(([name, text]) => `"${name}":${text}`)
    const text =
      form === "array"
        ? list
        : form === "single"
          ? `{${members.join(`,${gap}`)}}`
          : `{${[...members, `"${form}"${gap}:${list}`, ...members].join(`,${gap}`)}}`
    const without = form === "single" ? [] : [...new Set(places)].filter((at) => at < items.length)
    return { form, text: `${gap}${text}${gap}`, without }
  })

describe("a clean body", () => {
  it("says what is left of the body when JSON.parse has read it, and stays as it is when it is cleaned again", () => {
    let cut = 0
    fc.assert(
      fc.property(body, ({ form, text, without }) => {
        const bytes = bytesOf(text)
        const cleaned = clean(bytes, { form, without })
        if (cleaned !== bytes) cut += 1
        expect(withoutNulls(JSON.parse(textOf(cleaned)) as Json)).toEqual(twin(text, form, without))
        expect(clean(cleaned, { form, without: [] })).toBe(cleaned)
      }),
      { numRuns: 5_000 },
    )
    expect(cut).toBeGreaterThan(1_000)
  })

  it.each<[string, string, string]>([
    ["the last of a key's values", '{"events":[{"m":{"k":1,"k":2}}]}', '{"events":[{"m":{"k":2}}]}'],
    [
      "the last, also when it is spelled otherwise",
      '{"events":[{"k":1 , "\\u006b" : 2}]}',
      '{"events":[{"\\u006b" : 2}]}',
    ],
    [
      "all around private attributes",
      '{"events":[{"a":1.0, "privateAttributes":{"b":2} , "c":1e3}]}',
      '{"events":[{"a":1.0 , "c":1e3}]}',
    ],
    ["a number that is no number to anybody as null", '{"events":[1e999]}', '{"events":[null]}'],
    ["no request-level user that is none", '{"user":"u","events":[]}', '{"events":[]}'],
    ["no byte order mark", '\ufeff{"events":[]}', '{"events":[]}'],
  ])("keeps %s", (_, text, kept) => {
    expect(cleanText(text)).toBe(kept)
  })

  it.each<[ReadonlyArray<number>, string]>([
    [[0], '{"events":[ {"b":1.0}, {"c":"\\/"} ]}'],
    [[1], '{"events":[ {"a":1}, {"c":"\\/"} ]}'],
    [[2], '{"events":[ {"a":1} ,{"b":1.0} ]}'],
    [[0, 1, 2], '{"events":[  ]}'],
  ])("keeps what stands beside events that are refused, byte for byte: without %j", (without, kept) => {
    expect(cleanText('{"events":[ {"a":1} ,{"b":1.0}, {"c":"\\/"} ]}', "events", without)).toBe(kept)
  })
})
