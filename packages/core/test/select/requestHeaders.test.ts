import { validateHeaderName, validateHeaderValue } from "node:http"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { OptionProblem } from "../../src/base/InvalidOptions.ts"
import { problemsOf } from "../../src/base/SchemaProblems.ts"
import type { SecretReader } from "../../src/ports/SecretReader.ts"
import * as RequestHeaders from "../../src/select/requestHeaders.ts"

const decode = Schema.decodeUnknownResult(RequestHeaders.RequestHeaders, {
  errors: "all",
  onExcessProperty: "error",
})

const lines = (problems: ReadonlyArray<OptionProblem>): ReadonlyArray<string> =>
  problems.map(({ path, message }) => `${path}: ${message}`)

const mistakes = (headers: unknown): ReadonlyArray<string> => {
  const decoded = decode(headers)
  return Result.isFailure(decoded) ? lines(problemsOf(decoded.failure, ["headers"])) : []
}

/** Headers of this count, none like another. */
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, "v"]))

describe("headers", () => {
  test.each([
    { authorization: "Bearer s3cret" },
    { Authorization: { env: "TOKEN" }, "x-api-key": { file: "/run/secrets/key" } },
    { "user-agent": "ours/1", "content-type": "application/vnd.api+json" },
    { "x-webhook": "1", "statsig-api-key": "secret-1", "te-x": "1", expected: "1" },
    { "x-tab": "a\tb", "x-latin": "Zürich ÿ", "x-empty": "" },
    { "!#$%&'*+-.^_`|~09azAZ": "every character that a name may have" },
    { x: "v".repeat(8191) },
    many(32),
    {},
  ])("are kept as they are written: %j", (headers) => {
    expect(Result.getOrThrow(decode(headers))).toEqual(headers)
  })

  test.each([
    "content-length",
    "content-encoding",
    "host",
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
    "webhook-id",
    "webhook-signature",
    "webhook-anything",
    "x-statsig-signature",
    "x-statsig-request-timestamp",
  ])("that are not for users to set are refused in any case: %s", (name) => {
    for (const written of [name, name.toUpperCase()]) {
      expect(mistakes({ [written]: "1" })).toEqual([expect.stringMatching(`^headers\\.${written}: `)])
    }
  })

  test.each<[unknown, ReadonlyArray<string>]>([
    [{ "a b": "1" }, ["headers.a b: expected letters, digits and dashes for the name of a header"]],
    [{ "": "1" }, ["headers.: expected letters, digits and dashes for the name of a header"]],
    [{ "a:": "1" }, ["headers.a:: expected letters, digits and dashes for the name of a header"]],
    [{ größe: "1" }, ["headers.größe: expected letters, digits and dashes for the name of a header"]],
    [
      { "x-a": "1", "X-A": "2" },
      ["headers.X-A: stands there already: upper and lower case are the same to HTTP"],
    ],
    [{ "x-a": "s3cret\r\nx-b: 1" }, ["headers.x-a: holds a line break or another control character"]],
    [{ "x-a": "s3cret\n" }, ["headers.x-a: holds a line break or another control character"]],
    [{ "x-a": "s3cret\0" }, ["headers.x-a: holds a line break or another control character"]],
    [{ "x-a": "s3cret\u007f" }, ["headers.x-a: holds a line break or another control character"]],
    [{ "x-a": "€" }, ["headers.x-a: holds characters beyond Latin-1, which no header can carry"]],
    [{ "x-a": "🔑" }, ["headers.x-a: holds characters beyond Latin-1, which no header can carry"]],
    [{ x: "v".repeat(8192) }, ["headers.x: longer than 8 KiB"]],
    [many(33), ["headers: expected 32 headers at most"]],
    [
      { host: "h", te: "trailers", "x-a": "fine" },
      ["headers.host: is that of the URL", "headers.te: is about the connection, not about the request"],
    ],
    [{ "x-a": 5 }, ['headers.x-a: expected text, {"env": "NAME"} or {"file": "PATH"}']],
    [{ "x-a": { env: "" } }, ["headers.x-a.env: expected the name of a variable"]],
  ])("that are none are refused with their names: %j", (headers, expected) => {
    expect(mistakes(headers)).toEqual(expected)
  })

  test("are taken exactly where Node takes them, but for those that are not for users to set", () => {
    const takes = (check: () => void): boolean => {
      try {
        check()
        return true
      } catch {
        return false
      }
    }
    const character = fc.oneof(fc.integer({ min: 0, max: 0x120 }), fc.integer({ min: 0, max: 0xffff }))
    const text = fc
      .array(character, { maxLength: 4 })
      .map((units) => String.fromCharCode(...units))
      .filter((name) => name.toLowerCase() !== "te")
    fc.assert(
      fc.property(text, text, (name, value) => {
        expect(mistakes({ [name]: "1" }).length === 0).toBe(takes(() => validateHeaderName(name)))
        expect(mistakes({ "x-a": value }).length === 0).toBe(takes(() => validateHeaderValue("x-a", value)))
      }),
      { numRuns: 1000 },
    )
  })
})

describe("their values", () => {
  const reader: SecretReader = {
    env: (name) =>
      name === "TOKEN" ? Result.succeed("s3cret") : Result.fail("the environment variable is not set"),
    file: (path) => Result.succeed(path === "/two-lines" ? "s3cret\ns3cret" : "s3cret".repeat(2000)),
  }
  const root = ["destinations", 1, "headers"]

  test("come under names in lower case", () => {
    const headers = { "X-Plain": "1", Authorization: { env: "TOKEN" } }
    expect(RequestHeaders.resolve(headers, reader, root)).toEqual(
      Result.succeed({ "x-plain": "1", authorization: "s3cret" }),
    )
  })

  test("are all looked at, and what is wrong says where and never what", () => {
    const headers = {
      "x-none": { env: "NONE" },
      "x-lines": { file: "/two-lines" },
      "x-long": { file: "/long" },
      "x-fine": "1",
    }
    const resolved = RequestHeaders.resolve(headers, reader, root)
    expect(Result.isFailure(resolved) ? lines(resolved.failure) : []).toEqual([
      "destinations[1].headers.x-none: the environment variable is not set",
      "destinations[1].headers.x-lines: holds a line break or another control character",
      "destinations[1].headers.x-long: longer than 8 KiB",
    ])
  })
})

test("a name that objects treat in their own way is a header like others", () => {
  const headers = JSON.parse('{"__proto__": "1"}') as RequestHeaders.RequestHeaders
  const decoded = Result.getOrThrow(decode(headers))
  const reader: SecretReader = { env: () => Result.fail("none"), file: () => Result.fail("none") }
  const values = Result.getOrThrow(RequestHeaders.resolve(decoded, reader, []))
  expect(Object.entries(values)).toEqual([["__proto__", "1"]])
})
