import * as Context from "effect/Context"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "vitest"
import { problemsOf } from "../../src/base/SchemaProblems.ts"
import { SecretReader } from "../../src/ports/SecretReader.ts"
import * as Secret from "../../src/select/Secret.ts"

const decode = Schema.decodeUnknownResult(Secret.SecretText, { errors: "all", onExcessProperty: "error" })

const mistakes = (input: unknown): ReadonlyArray<string> => {
  const decoded = decode(input)
  return Result.isFailure(decoded)
    ? problemsOf(decoded.failure, ["secret"]).map(({ path, message }) => `${path}: ${message}`)
    : []
}

describe("a secret", () => {
  test.each(["s3cret", "", { env: "TOKEN" }, { env: "ProgramFiles(x86)" }, { file: "/run/secrets/token" }])(
    "is kept as it is written: %j",
    (secret) => {
      const decoded = Result.getOrThrow(decode(secret))
      expect(decoded).toEqual(secret)
      expect(Schema.encodeSync(Secret.SecretText)(decoded)).toEqual(secret)
    },
  )

  test.each<[unknown, ReadonlyArray<string>]>([
    [5, ['secret: expected text, {"env": "NAME"} or {"file": "PATH"}']],
    [null, ['secret: expected text, {"env": "NAME"} or {"file": "PATH"}']],
    [["TOKEN"], ['secret: expected text, {"env": "NAME"} or {"file": "PATH"}']],
    [{}, ["secret: expected either env or file, and not both"]],
    [{ env: "A", file: "b" }, ["secret: expected either env or file, and not both"]],
    [{ env: "" }, ["secret.env: expected the name of a variable"]],
    [{ env: "A=s3cret" }, ["secret.env: expected the name of a variable"]],
    [{ env: "A\0" }, ["secret.env: expected the name of a variable"]],
    [{ env: "s3cret".repeat(50) }, ["secret.env: expected the name of a variable"]],
    [{ env: 5 }, ["secret.env: expected string"]],
    [{ file: "" }, ["secret.file: expected the path of a file"]],
    [{ file: "a\0b" }, ["secret.file: expected the path of a file"]],
    [{ file: "a".repeat(4097) }, ["secret.file: expected the path of a file"]],
    [{ env: "A", value: "s3cret" }, ["secret.value: unknown key"]],
  ])("that is none is refused with its place, and without its value: %j", (input, expected) => {
    expect(mistakes(input)).toEqual(expected)
  })
})

describe("what it stands for", () => {
  const known: SecretReader = {
    env: (name) => (name === "TOKEN" ? Result.succeed("from a variable") : Result.succeed("")),
    file: (path) => (path === "/token" ? Result.succeed("from a file") : Result.succeed("")),
  }

  test.each<[Secret.Secret, Result.Result<string, string>]>([
    ["here", Result.succeed("here")],
    ["", Result.succeed("")],
    [{ env: "TOKEN" }, Result.succeed("from a variable")],
    [{ file: "/token" }, Result.succeed("from a file")],
    [{ env: "EMPTY" }, Result.fail("the environment variable is empty")],
    [{ file: "/empty" }, Result.fail("the file is empty")],
  ])("%j", (secret, expected) => {
    expect(Secret.resolve(secret, known)).toEqual(expected)
  })

  test("is not to be had on a host that reads neither variables nor files", () => {
    const reader = Context.get(Context.empty(), SecretReader)
    expect(Secret.resolve("here", reader)).toEqual(Result.succeed("here"))
    expect(Secret.resolve({ env: "TOKEN" }, reader)).toEqual(
      Result.fail("the environment variable cannot be read on this host"),
    )
    expect(Secret.resolve({ file: "/token" }, reader)).toEqual(
      Result.fail("the file cannot be read on this host"),
    )
  })
})
