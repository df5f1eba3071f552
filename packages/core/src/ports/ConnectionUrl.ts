import * as Result from "effect/Result"

/** What may not stand in a user or a password as it is, and what it has to be written as. */
const escapes = new Map([
  ["/", "%2F"],
  ["?", "%3F"],
  ["#", "%23"],
  ["[", "%5B"],
  ["]", "%5D"],
])

const unescaped = (character: string): string =>
  `the user or the password holds ${JSON.stringify(character)}, which has to be written as ${escapes.get(character)} in a URL`

/** Where the user, the password and the hosts end. */
const authorityEnd = (rest: string): number => {
  const end = rest.search(/[/?#]/)
  return end === -1 ? rest.length : end
}

/**
 * Whether what seems to be the path, the query or the fragment is the end of a password, with a
 * host behind it.
 */
const isCutPassword = (authority: string, tail: string): boolean => {
  const at = tail.indexOf("@")
  if (at === -1) return false
  const hosts = authority.slice(authority.lastIndexOf("@") + 1)
  // A host with a port has a path or a query behind it; of the values there, one may hold an @.
  const isHost = /^(\[[^\]]*\]|[^:]*)(:\d+)?(,.*)?$/.test(hosts)
  const isQuery = tail.startsWith("?")
    ? hosts !== "" && tail.slice(1, at).includes("=")
    : tail.slice(0, at).includes("?")
  return !isHost || tail.startsWith("#") || !isQuery
}

/**
 * For stores: the URL of a server as people paste it, so that it can be read as one. An `@` and a
 * `%` in the password that stand for themselves are written as a URL wants them; any other
 * character that cannot be told from the rest fails with what to write in its place. (A password of
 * digits up to a `?` with a `=` behind it looks like a port and a query, and is taken for them.)
 * Never says anything else of the URL.
 */
export const prepare = (text: string): Result.Result<string, string> => {
  const [, scheme, rest] = /^([a-z][a-z\d+.-]*:\/\/)(.*)$/is.exec(text.trim()) ?? []
  if (scheme === undefined || rest === undefined) return Result.succeed(text)
  const end = authorityEnd(rest)
  const authority = rest.slice(0, end)
  const tail = rest.slice(end)
  if (isCutPassword(authority, tail)) return Result.fail(unescaped(tail.slice(0, 1)))
  const at = authority.lastIndexOf("@")
  if (at === -1) return Result.succeed(text.trim())
  const userinfo = authority.slice(0, at)
  const bracket = /[[\]]/.exec(userinfo)
  if (bracket !== null) return Result.fail(unescaped(bracket[0]))
  const escaped = userinfo
    .replaceAll("@", "%40")
    .replace(/%(?![\da-f]{2})/gi, "%25")
    .replace(/\s/g, encodeURIComponent)
  return Result.succeed(`${scheme}${escaped}${authority.slice(at)}${tail}`)
}

/** How many servers a URL names, those of a list apart by commas. */
export const hostsOf = (text: string): ReadonlyArray<string> => {
  const rest = text.replace(/^[a-z][a-z\d+.-]*:\/\//i, "")
  const authority = rest.slice(0, authorityEnd(rest))
  return authority.slice(authority.lastIndexOf("@") + 1).split(",")
}
