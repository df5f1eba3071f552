import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { expect, test } from "vitest"
import { problemsOf } from "../../../src/base/SchemaProblems.ts"
import { contentTypeOf, Format } from "../../../src/select/messages/Format.ts"

const decode = Schema.decodeUnknownResult(Format, { errors: "all", onExcessProperty: "error" })

const mistakes = (input: unknown): ReadonlyArray<string> => {
  const decoded = decode(input)
  return Result.isFailure(decoded)
    ? problemsOf(decoded.failure, ["format"]).map(({ path, message }) => `${path}: ${message}`)
    : []
}

const json = "application/json"

test.each<[Format, string]>([
  ["array", json],
  ["data", json],
  ["ndjson", "application/x-ndjson"],
  ["slack", json],
  ["discord", json],
  ["teams", json],
  [{ template: { text: "{{eventName}}", fields: [1, null] } }, json],
  [{ template: "{{metadata}}" }, json],
])("%j is a format of its own, and sent as %s", (format, contentType) => {
  const decoded = Result.getOrThrow(decode(format))
  expect(decoded).toEqual(format)
  expect(Schema.encodeSync(Format)(decoded)).toEqual(format)
  expect(contentTypeOf(decoded)).toBe(contentType)
})

const expected =
  'format: expected "array", "data", "ndjson", "slack", "discord", "teams" or {"template": ...}'

test.each<[unknown, ReadonlyArray<string>]>([
  ["csv", [expected]],
  ["", [expected]],
  [5, [expected]],
  [null, [expected]],
  [["array"], [expected]],
  [{}, ["format.template: missing"]],
  [{ template: "{{value}}", url: "x" }, ["format.url: unknown key"]],
  [
    { template: { fields: [{ value: "{{" }], "{{a}}": 1 } },
    [
      'format.template.fields[0].value: there is a "{{" without a "}}" behind it',
      "format.template.{{a}}: placeholders stand in values: keys are sent as they are",
    ],
  ],
])("%j is none", (input, lines) => {
  expect(mistakes(input)).toEqual(lines)
})
