import * as Result from "effect/Result"
import { type Headers, lineOf } from "./requestHeaders.ts"
import { fileOf, type Route } from "./routes.ts"

/** A name without its escapes; as it is, which is no key, when they are none. */
const unescaped = (file: string): string => {
  try {
    return decodeURIComponent(file)
  } catch {
    return " "
  }
}

/** A key has no comma: several in one place are joined by one. */
const sendable = /^[\x21-\x2b\x2d-\x7e]{1,256}$/

/**
 * The key of a request, from its header, its query or its path; `null` when there is none. Fails
 * with what is wrong when two of them differ: one would be checked here, and the other there.
 */
export const presentedKey = (
  route: Route,
  path: string,
  query: string,
  headers: Headers,
): Result.Result<string | null, string> => {
  const file = fileOf(route, path)
  const parameters = new URLSearchParams(query)
  const shown = [
    ...(file === null ? [] : [unescaped(file)]),
    lineOf(headers, "statsig-api-key") ?? "",
    ...parameters.getAll("k"),
    ...parameters.getAll("statsig-api-key"),
  ]
  const keys = new Set(shown.filter((key) => key !== ""))
  if (keys.size > 1) return Result.fail("statsig-api-key: header, query and path name different keys")
  const [key = null] = keys
  return key === null || sendable.test(key) ? Result.succeed(key) : Result.fail("statsig-api-key: not a key")
}
