import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { SecretReader } from "../ports/SecretReader.ts"

/**
 * A text that nobody else may see, or where it stands: a configuration that names an environment
 * variable or a file can be kept, shown and copied without the secret.
 */
export type Secret = string | { readonly env: string } | { readonly file: string }

// Whoever writes the secret itself where its name belongs should not read it in an error: no
// message has the value.

const EnvName = Schema.String.check(
  Schema.makeFilter((name) => /^[^=\p{Cc}]{1,256}$/u.test(name) || "expected the name of a variable"),
)

const FilePath = Schema.String.check(
  Schema.makeFilter((path) => /^\P{Cc}{1,4096}$/u.test(path) || "expected the path of a file"),
)

// One struct rather than two: what is wrong is then said of the one key that is wrong.
const Reference = Schema.Struct({
  env: Schema.optionalKey(EnvName),
  file: Schema.optionalKey(FilePath),
}).check(
  Schema.makeFilter(
    (reference) => Object.keys(reference).length === 1 || "expected either env or file, and not both",
  ),
)

/**
 * A {@link Secret} as a configuration says it. It is decoded as it stands: what it names is read by
 * {@link resolve}, at each start and reload, and never becomes a part of the configuration.
 */
export const SecretText = Schema.Union([Schema.String, Reference]).annotate({
  message: 'expected text, {"env": "NAME"} or {"file": "PATH"}',
}) as unknown as Schema.Codec<Secret>

const notEmpty = (found: Result.Result<string, string>, what: string): Result.Result<string, string> =>
  Result.isSuccess(found) && found.success === "" ? Result.fail(`${what} is empty`) : found

/**
 * The text that a secret stands for, or why there is none. A variable or a file that is empty is a
 * mistake: a request without its key would be refused much later, by somebody else.
 */
export const resolve = (secret: Secret, reader: SecretReader): Result.Result<string, string> => {
  if (typeof secret === "string") return Result.succeed(secret)
  return "env" in secret
    ? notEmpty(reader.env(secret.env), "the environment variable")
    : notEmpty(reader.file(secret.file), "the file")
}
