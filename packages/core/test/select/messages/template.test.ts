import * as Result from "effect/Result"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as ExactJson from "../../../src/base/exactJson.ts"
import type { Json } from "../../../src/base/json.ts"
import { scalarFields } from "../../../src/select/fieldPath.ts"
import * as Template from "../../../src/select/messages/template.ts"
import type { WebhookEvent } from "../../../src/select/WebhookEvent.ts"
import { event } from "./events.ts"

const purchase = event({
  userID: "",
  value: "12.5",
  user: { userID: "u1", custom: { plan: "pro", "a.b": 1, none: null } },
  metadata: { items: [{ sku: "s1" }, { sku: "s2" }], isFirst: true, total: 12.5, "page title": "Cart" },
})

const render = (template: Json, of: WebhookEvent = purchase): Result.Result<Json, string> =>
  Result.getOrThrow(Template.compile(template))(of)

const mistakes = (template: unknown): ReadonlyArray<string> => {
  const compiled = Template.compile(template)
  return Result.isFailure(compiled) ? compiled.failure.map(({ path, message }) => `${path}: ${message}`) : []
}

describe("a template", () => {
  test.each<[string, Json, Json]>([
    [
      "without placeholders is sent as it is",
      { a: [1, "b", null, true, {}] },
      { a: [1, "b", null, true, {}] },
    ],
    ["may be a text alone", "{{eventName}}", "purchase"],
    ["gives a text", { a: "{{eventName}}" }, { a: "purchase" }],
    ["gives a number", ["{{timestamp}}"], [purchase.timestamp]],
    ["gives a boolean", "{{metadata.isFirst}}", true],
    ["gives an array", "{{metadata.items}}", [{ sku: "s1" }, { sku: "s2" }]],
    ["gives an object", "{{user.custom}}", { plan: "pro", "a.b": 1, none: null }],
    ["gives a whole field", "{{user}}", purchase.user as Json],
    ["gives one of an array", "{{metadata.items.1.sku}}", "s2"],
    ["finds keys with dots", "{{user.custom.a.b}}", 1],
    ["finds keys with blanks", "{{ metadata.page title }}", "Cart"],
    ["allows blanks at the ends of a placeholder", "{{  value  }}", "12.5"],
    ["gives null for what is not there", "{{user.email}}", null],
    ["gives null for null", "{{user.custom.none}}", null],
    ["gives an empty text that is there", "{{userID}}", ""],
    ["finds nothing that every object has", "{{user.constructor}}", null],
    ["fills texts", "{{eventName}} of {{value}}!", "purchase of 12.5!"],
    ["fills texts with numbers and booleans", "{{metadata.total}}/{{metadata.isFirst}}", "12.5/true"],
    ["fills texts with JSON", "items: {{metadata.items}}", 'items: [{"sku":"s1"},{"sku":"s2"}]'],
    ["fills texts with nothing for what is not there", "<{{user.email}}>", "<>"],
    ["takes a placeholder with a blank beside it for text", " {{timestamp}}", ` ${purchase.timestamp}`],
    ["takes two placeholders for text", "{{value}}{{value}}", "12.512.5"],
    ["leaves single braces alone", '{"v": {{value}} }', '{"v": 12.5 }'],
    ["leaves keys alone", { "{a}": "{{value}}" }, { "{a}": "12.5" }],
    ["is filled below arrays and objects", { a: [{ b: "{{value}}" }] }, { a: [{ b: "12.5" }] }],
    ["may be empty", "", ""],
  ])("%s", (_, template, expected) => {
    expect(render(template)).toEqual(Result.succeed(expected))
  })

  test("keeps a key that objects treat in their own way", () => {
    const rendered = Result.getOrThrow(render(JSON.parse('{"__proto__": "{{value}}"}') as Json))
    expect(JSON.stringify(rendered)).toBe('{"__proto__":"12.5"}')
  })

  test("keeps the digits of numbers", () => {
    const metadata = ExactJson.parse(
      '{"id": 12345678901234567890, "list": [1.0]}',
    ) as WebhookEvent["metadata"]
    const rendered = render(
      { id: "{{metadata.id}}", text: "{{metadata.id}} {{metadata.list}}" },
      event({ metadata }),
    )
    expect(ExactJson.stringify(Result.getOrThrow(rendered))).toBe(
      '{"id":12345678901234567890,"text":"12345678901234567890 [1.0]"}',
    )
  })

  test("takes what stands in an event for nothing but text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        for (const text of [value, `${value}{{user}}`, "{{", "}}"]) {
          const of = event({ value: text })
          expect(render(["{{value}}", "<{{value}}>"], of)).toEqual(Result.succeed([text, `<${text}>`]))
        }
      }),
    )
  })

  test("without any braces is itself", () => {
    const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("{{"))
    fc.assert(
      fc.property(json, (value) => {
        const template = JSON.parse(JSON.stringify(value).replaceAll("}}", "} }")) as Json
        expect(render(template)).toEqual(Result.succeed(template))
      }),
    )
  })

  test.each(scalarFields)("may ask for %s", (field) => {
    expect(render(`{{${field}}}`)).toEqual(Result.succeed(purchase[field]))
  })

  test("says when an event would make it too long, and is bounded by it", () => {
    const large = event({ metadata: { text: "x".repeat(1_000_000) } })
    const times = (count: number) => Array<Json>(count).fill("{{metadata.text}}")
    expect(Result.isSuccess(render(times(16), large))).toBe(true)
    const tooLong = Result.fail("with this event the template becomes longer than 16 MiB")
    expect(render(times(17), large)).toEqual(tooLong)
    expect(render(times(17).join(" "), large)).toEqual(tooLong)
    // Together they would be longer than any string can be.
    expect(render(times(900), large)).toEqual(tooLong)
  })
})

describe("a mistake in a template is found before any event", () => {
  const root = "expected a path that begins with one of"

  test.each<[unknown, ReadonlyArray<string>]>([
    ["{{email}}", [expect.stringContaining(`template: placeholder 1: ${root}`)]],
    ["{{}}", [expect.stringContaining(`template: placeholder 1: ${root}`)]],
    ["{{value}} {{user..id}}", ["template: placeholder 2: there is nothing between two dots"]],
    ["{{value.x}}", ["template: placeholder 1: value has nothing below it"]],
    ["{{user.*}}", ["template: placeholder 1: a placeholder is about one field, without wildcards"]],
    ["{{{value}}}", [expect.stringContaining(`template: placeholder 1: ${root}`)]],
    ["{{value", ['template: there is a "{{" without a "}}" behind it']],
    ["{{value}", ['template: there is a "{{" without a "}}" behind it']],
    ["value}}", ['template: there is a "}}" without a "{{" before it']],
    ["{{value}} }} {{value}}", ['template: there is a "}}" without a "{{" before it']],
    [
      { fields: [{ value: "{{x}}" }, { value: "{{" }], text: "{{value}}" },
      [
        expect.stringContaining(`template.fields[0].value: placeholder 1: ${root}`),
        'template.fields[1].value: there is a "{{" without a "}}" behind it',
      ],
    ],
    [{ "{{value}}": 1 }, ["template.{{value}}: placeholders stand in values: keys are sent as they are"]],
    [undefined, ["template: expected JSON"]],
    [{ a: () => 1, b: undefined }, ["template.a: expected JSON", "template.b: expected JSON"]],
    [[Number.NaN], ["template[0]: expected a finite number"]],
    [Array(1000).fill(1), ["template: expected 1000 values and 65536 characters at most"]],
    ["x".repeat(65_537), ["template: expected 1000 values and 65536 characters at most"]],
    [{ ["x".repeat(65_537)]: 1 }, ["template: expected 1000 values and 65536 characters at most"]],
  ])("%j", (template, expected) => {
    expect(mistakes(template)).toEqual(expected)
  })

  test("however deep it is, and though it holds itself", () => {
    const nested = (depth: number): Json => (depth === 0 ? 1 : [nested(depth - 1)])
    expect(mistakes(nested(32))).toEqual([])
    expect(mistakes(nested(33))).toEqual([
      `template${"[0]".repeat(32)}: expected a template nested 32 deep at most`,
    ])
    const circle: Record<string, unknown> = {}
    circle["a"] = circle
    expect(mistakes(circle)).toEqual([
      `template${".a".repeat(32)}: expected a template nested 32 deep at most`,
    ])
    const many: Array<unknown> = []
    many.push(many, many)
    expect(mistakes(many)).toEqual(["template: expected 1000 values and 65536 characters at most"])
  })

  test("with the place at which the template stands", () => {
    const compiled = Template.compile({ a: "{{" }, ["destinations", 0, "format", "template"])
    expect(Result.isFailure(compiled) && compiled.failure.map(({ path }) => path)).toEqual([
      "destinations[0].format.template.a",
    ])
  })

  test("with its place and reason alone, never with what stands there", () => {
    for (const template of ["{{s3cret}}", "s3cret }}", "{{s3cret", { a: ["{{user..s3cret}}"] }]) {
      expect(mistakes(template)).toHaveLength(1)
      expect(mistakes(template)[0]).not.toContain("s3cret")
    }
  })
})
