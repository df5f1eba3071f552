import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SecretReader as Port } from "@millrace/core/host"
import { SecretReader } from "@millrace/node"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"

const reader = Effect.runSync(Effect.provide(Effect.service(Port), SecretReader.layer))

let directory = ""
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "millrace-secrets-"))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const written = (name: string, content: string | Uint8Array): string => {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

describe("environment variables", () => {
  it("are read each time", () => {
    const name = "MILLRACE_TEST_SECRET"
    onTestFinished(() => void delete process.env[name])
    expect(reader.env(name)).toEqual(Result.fail("the environment variable is not set"))
    process.env[name] = "s3cret"
    expect(reader.env(name)).toEqual(Result.succeed("s3cret"))
    process.env[name] = ""
    expect(reader.env(name)).toEqual(Result.succeed(""))
  })

  it("are not what every object inherits", () => {
    expect(reader.env("constructor")).toEqual(Result.fail("the environment variable is not set"))
  })
})

describe("files", () => {
  it.each([
    ["as they are", "s3cret", "s3cret"],
    ["without the line break at the end", "s3cret\n", "s3cret"],
    ["without that of Windows", "s3cret\r\n", "s3cret"],
    ["without one line break only", "a\nb\n\n", "a\nb\n"],
    ["without a byte order mark", "\ufeffs3cret", "s3cret"],
    ["of 64 KiB", "s".repeat(65_536), "s".repeat(65_536)],
    ["that are empty", "\n", ""],
  ])("are read %s", (name, content, expected) => {
    expect(reader.file(written(name, content))).toEqual(Result.succeed(expected))
  })

  it("are read each time, also through links", () => {
    const path = written("first", "one")
    const link = join(directory, "link")
    symlinkSync(path, link)
    expect(reader.file(link)).toEqual(Result.succeed("one"))
    writeFileSync(path, "two")
    expect(reader.file(link)).toEqual(Result.succeed("two"))
  })

  it("that cannot be taken say why, and nothing of what they hold", () => {
    const folder = join(directory, "folder")
    mkdirSync(folder)
    const pipe = join(directory, "pipe")
    execFileSync("mkfifo", [pipe])
    expect(reader.file(join(directory, "missing"))).toEqual(Result.fail("the file is not there"))
    expect(reader.file(folder)).toEqual(Result.fail("the file is a directory, a pipe or a device"))
    expect(reader.file(pipe)).toEqual(Result.fail("the file is a directory, a pipe or a device"))
    expect(reader.file("/dev/zero")).toEqual(Result.fail("the file is a directory, a pipe or a device"))
    expect(reader.file(written("long", "s".repeat(65_537)))).toEqual(
      Result.fail("the file is longer than 64 KiB"),
    )
    expect(reader.file(written("bytes", Uint8Array.of(0x73, 0xff)))).toEqual(
      Result.fail("the file is not text in UTF-8"),
    )
  })

  it.skipIf(process.getuid?.() === 0)("that nobody may read say so (skipped for root, who may)", () => {
    const path = written("forbidden", "s3cret")
    chmodSync(path, 0)
    expect(reader.file(path)).toEqual(Result.fail("the file cannot be read (EACCES)"))
  })
})
