import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { OptionProblem } from "../base/InvalidOptions.ts"
import { type Path, pathText } from "../base/SchemaProblems.ts"
import type { SecretReader } from "../ports/SecretReader.ts"
import { resolve as resolveSecret, type Secret, SecretText } from "./Secret.ts"

/** More than any receiver asks for. */
const maxHeaders = 32

/** Bytes of a header's name and value together: what most servers take of a single line. */
const maxBytes = 8 * 1024

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/

const ofBody = "says how the body is sent, which Millrace decides"
const ofSignature = "is kept for signatures"
const ofConnection = "is about the connection, not about the request"

const reserved: ReadonlyMap<string, string> = new Map([
  ["content-length", ofBody],
  ["content-encoding", ofBody],
  ["host", "is that of the URL"],
  ["connection", ofConnection],
  ["keep-alive", ofConnection],
  ["te", ofConnection],
  ["trailer", ofConnection],
  ["transfer-encoding", ofConnection],
  ["upgrade", ofConnection],
  ["expect", ofConnection],
])

const reservedBeginnings = [
  ["webhook-", ofSignature],
  ["x-statsig-", ofSignature],
  ["proxy-", ofConnection],
] as const

const nameProblem = (name: string): string | null => {
  if (!token.test(name)) return "expected letters, digits and dashes for the name of a header"
  const lower = name.toLowerCase()
  return (
    reserved.get(lower) ?? reservedBeginnings.find(([beginning]) => lower.startsWith(beginning))?.[1] ?? null
  )
}

/** HTTP carries a byte for each character; platforms refuse control characters but tabs. */
const valueProblem = (name: string, value: string): string | null => {
  if (name.length + value.length > maxBytes) return "longer than 8 KiB"
  if (/[^\t\P{Cc}\u0080-\u009f]/u.test(value)) return "holds a line break or another control character"
  return /[^\p{Cc} -\u00ff]/u.test(value)
    ? "holds characters beyond Latin-1, which no header can carry"
    : null
}

type Headers = Readonly<Record<string, Secret>>

interface HeaderIssue {
  readonly path: Path
  readonly issue: string
}

/** What is wrong with headers as a configuration says them, each with its name. */
const issuesOf = (headers: Headers): ReadonlyArray<HeaderIssue | string> => {
  const entries = Object.entries(headers)
  if (entries.length > maxHeaders) return [`expected ${maxHeaders} headers at most`]
  const seen = new Set<string>()
  return entries.flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    const isRepeated = seen.has(lower)
    seen.add(lower)
    const issue =
      nameProblem(name) ??
      (isRepeated ? "stands there already: upper and lower case are the same to HTTP" : null) ??
      (typeof value === "string" ? valueProblem(name, value) : null)
    return issue === null ? [] : [{ path: [name], issue }]
  })
}

/**
 * Headers that a receiver wants of each request, by name.
 *
 * - Those are refused that say how a request is sent (`content-length`, `host`, `connection` and
 *   the like), and those that signatures use: `webhook-*` and `x-statsig-*`.
 * - `content-type` may be set, and replaces the one that belongs to the form of the body: some
 *   receivers ask for a type of their own (`application/vnd.api+json`) for the same JSON, and no
 *   signature covers it. So may `user-agent`.
 */
export const RequestHeaders: Schema.Codec<Headers> = Schema.Record(Schema.String, SecretText).check(
  Schema.makeFilter(issuesOf),
)

export type RequestHeaders = typeof RequestHeaders.Type

/**
 * The headers with their values, by names in lower case; or everything that is wrong with what they
 * stand for.
 *
 * @param root where the headers stand: `["destinations", 0, "headers"]`
 */
export const resolve = (
  headers: RequestHeaders,
  reader: SecretReader,
  root: Path,
): Result.Result<Readonly<Record<string, string>>, ReadonlyArray<OptionProblem>> => {
  const problems: Array<OptionProblem> = []
  const values: Array<readonly [string, string]> = []
  for (const [name, secret] of Object.entries(headers)) {
    const found = resolveSecret(secret, reader)
    const problem = Result.isFailure(found) ? found.failure : valueProblem(name, found.success)
    if (problem !== null) problems.push({ path: pathText([...root, name]), message: problem })
    else if (Result.isSuccess(found)) values.push([name.toLowerCase(), found.success])
  }
  return problems.length > 0 ? Result.fail(problems) : Result.succeed(Object.fromEntries(values))
}
