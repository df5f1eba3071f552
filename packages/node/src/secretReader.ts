import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs"
import { SecretReader } from "@millrace/core/host"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { codeOf } from "./internal/connectionError.ts"

/** Bytes. A private key with its chain of certificates has a tenth of it. */
const maxBytes = 64 * 1024

const withoutLineBreak = (text: string): string => {
  if (text.endsWith("\r\n")) return text.slice(0, -2)
  return text.endsWith("\n") ? text.slice(0, -1) : text
}

/** Not blocking: to open a pipe that nobody writes to could wait for ever. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** What a file holds, as far as `maxBytes` and one more; `null` for what is no file. */
const readBytes = (path: string): Uint8Array | null => {
  const file = openSync(path, openFlags)
  try {
    if (!fstatSync(file).isFile()) return null
    const bytes = new Uint8Array(maxBytes + 1)
    let length = 0
    let read = -1
    while (read !== 0 && length < bytes.length) {
      read = readSync(file, bytes, length, bytes.length - length, null)
      length += read
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

const decode = (bytes: Uint8Array): Result.Result<string, string> =>
  Result.try({
    try: () => withoutLineBreak(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    catch: () => "the file is not text in UTF-8",
  })

const openError = (error: unknown): string => {
  const code = codeOf(error) ?? "unknown"
  return code === "ENOENT" ? "the file is not there" : `the file cannot be read (${code})`
}

const file = (path: string): Result.Result<string, string> =>
  Result.flatMap(Result.try({ try: () => readBytes(path), catch: openError }), (bytes) => {
    if (bytes === null) return Result.fail("the file is a directory, a pipe or a device")
    return bytes.length > maxBytes ? Result.fail("the file is longer than 64 KiB") : decode(bytes)
  })

const env = (name: string): Result.Result<string, string> => {
  // Names such as `constructor` give what every object has.
  const value: unknown = process.env[name]
  return typeof value === "string"
    ? Result.succeed(value)
    : Result.fail("the environment variable is not set")
}

/**
 * Reads secrets from this process's environment and from files, each time anew: a file that has
 * been replaced gives its new text. Relative paths are relative to the working directory. A file is
 * text in UTF-8 of 64 KiB at most; of a line break at its end nothing is read.
 */
export const layer: Layer.Layer<never> = Layer.succeed(SecretReader, { env, file })
