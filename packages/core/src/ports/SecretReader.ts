import * as Context from "effect/Context"
import * as Result from "effect/Result"

/**
 * Reads what a configuration names and does not hold. Neither function waits, so that a start and a
 * reload can tell at once what is missing. A failure says why there is nothing to give, in words
 * that begin with "the environment variable" or "the file"; it holds neither a name nor a value.
 */
export interface SecretReader {
  readonly env: (name: string) => Result.Result<string, string>
  /** A file's text, without the line break at its end. */
  readonly file: (path: string) => Result.Result<string, string>
}

/** By default a host has neither: a platform's package provides its own. */
export const SecretReader = Context.Reference<SecretReader>("@millrace/core/SecretReader", {
  defaultValue: () => ({
    env: () => Result.fail("the environment variable cannot be read on this host"),
    file: () => Result.fail("the file cannot be read on this host"),
  }),
})
