import * as IpAddress from "../base/ipAddress.ts"

/**
 * Finds the address that a request comes from, also through proxies. Each of them writes down, at
 * the end of a list, who has called it: so the list is read from its end, and believed as far as
 * those who have written it are trusted. What stands before that, anybody may have made up.
 */

/** What says where a request comes from. */
export interface Way {
  /** The other end of the connection, as the host knows it. */
  readonly peer: string | undefined
  /** `x-forwarded-for`, several joined by commas; `null` when there is none. */
  readonly forwardedFor: string | null
  /** `forwarded` (RFC 7239), likewise. */
  readonly forwarded: string | null
}

/** Characters of a header that are looked at, from its end: what many servers take of one. */
const maxHeader = 8 * 1024

/** Proxies in a row. Nobody has a dozen. */
export const maxHops = 64

/** Characters: an address of IPv6 with a long zone, in brackets and quotes, with a port. */
const maxNode = 128

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c

const isEscaped = (text: string, at: number): boolean => {
  let before = at
  while (before > 0 && text.charCodeAt(before - 1) === backslash) before--
  return (at - before) % 2 === 1
}

/**
 * Where the item begins that ends at `end`. Commas in quotes part no items; quotes are told from
 * the right, where those of trusted proxies stand: one that a client has left open has no effect.
 */
const startOf = (text: string, end: number): number => {
  let isQuoted = false
  for (let at = end - 1; at >= 0; at--) {
    const code = text.charCodeAt(at)
    if (code === quote) isQuoted = !isQuoted || isEscaped(text, at)
    else if (code === comma && !isQuoted) return at + 1
  }
  return 0
}

const quoted = /^"(?:[^"\\]|\\.)*"$/

const unquoted = (text: string): string =>
  text.charCodeAt(0) === quote && quoted.test(text) ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text

const port = /^:(?:\d{1,5}|_[\w.-]+)$/

const isPortOrNone = (text: string): boolean => text === "" || port.test(text)

/** Reads `node` of RFC 7239; `null` of one that is hidden (`unknown`, `_gateway`) or is none. */
const parseNode = (node: string): IpAddress.IpAddress | null => {
  if (node.length > maxNode) return null
  if (node.startsWith("[")) {
    const end = node.indexOf("]")
    const inside = node.slice(1, end)
    return end > 0 && inside.includes(":") && isPortOrNone(node.slice(end + 1))
      ? IpAddress.parse(inside)
      : null
  }
  const colon = node.indexOf(":")
  if (colon === -1 || colon !== node.lastIndexOf(":")) return IpAddress.parse(node)
  return isPortOrNone(node.slice(colon)) ? IpAddress.parse(node.slice(0, colon)) : null
}

type ParseItem = (item: string) => IpAddress.IpAddress | null

/** An item of `x-forwarded-for`. Some proxies write ports, brackets and quotes there, too. */
const parseForwardedFor: ParseItem = (item) => parseNode(unquoted(item))

/** One `name=value` of an element, up to the next one. */
const pair = /\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s";]*)\s*(?:;|$)/y

/**
 * The `for` of an element of `forwarded`; `null` when it has none, or two. Read pair by pair: what
 * looks like one within the quotes of another is none.
 */
const parseForwarded: ParseItem = (element) => {
  let found: string | null = null
  pair.lastIndex = 0
  while (pair.lastIndex < element.length) {
    const match = pair.exec(element)
    if (match === null) return null
    const [, name, value] = match
    if (name!.toLowerCase() !== "for") continue
    if (found !== null) return null
    found = unquoted(value!)
  }
  return found === null ? null : parseNode(found)
}

/** An address, and whether what it has written is believed. */
interface Hop {
  readonly address: IpAddress.IpAddress
  readonly isTrusted: boolean
}

type ReadHop = (item: string) => Hop | null

/** Far more than proxies in front of one installation. */
const maxRemembered = 256

/** V8's `slice` would keep the header that a text is a part of. */
const copyOf = (text: string): string => Array.from(text).join("")

/**
 * Remembers those who are trusted, by how they are written: each request comes through the same
 * ones. Others are not remembered, since anybody may write them.
 */
const remembering = (parse: ParseItem, trust: ReadonlyArray<IpAddress.IpRange>): ReadHop => {
  const known = new Map<string, Hop>()
  return (item) => {
    const found = known.get(item)
    if (found !== undefined) return found
    const address = parse(item)
    if (address === null) return null
    const hop = { address, isTrusted: trust.some((range) => IpAddress.isIn(address, range)) }
    if (hop.isTrusted && item.length <= maxNode) {
      if (known.size >= maxRemembered) known.clear()
      known.set(copyOf(item), hop)
    }
    return hop
  }
}

/**
 * Walks a list from its end for as long as those are trusted who have written it.
 *
 * @returns `null` when the last of them does not say who has called it
 */
const walk = (peer: Hop, header: string, read: ReadHop): IpAddress.IpAddress | null => {
  const text = header.length > maxHeader ? header.slice(-maxHeader) : header
  const hasQuotes = text.includes('"')
  let client = peer
  let hops = 0
  let end = text.length
  while (end >= 0 && client.isTrusted) {
    const start = hasQuotes ? startOf(text, end) : end === 0 ? 0 : text.lastIndexOf(",", end - 1) + 1
    // The rest of it may be cut off.
    if (start === 0 && text.length < header.length) return null
    const item = text.slice(start, end).trim()
    end = start - 1
    if (item === "") continue
    hops += 1
    const hop = hops > maxHops ? null : read(item)
    if (hop === null) return null
    client = hop
  }
  return client.address
}

/**
 * Makes what finds the address a request comes from: the first one, from the peer on, that is not
 * trusted; when all are trusted, the farthest of them. `null` when that is not said.
 *
 * A proxy writes one of the two headers, and may let the other one through as the client has sent
 * it. So where both are there and say different things, neither is believed.
 */
export const makeClientAddress = (
  trust: ReadonlyArray<IpAddress.IpRange>,
): ((way: Way) => IpAddress.IpAddress | null) => {
  const readPeer = remembering(IpAddress.parse, trust)
  const readForwardedFor = remembering(parseForwardedFor, trust)
  const readForwarded = remembering(parseForwarded, trust)
  return ({ peer, forwardedFor, forwarded }) => {
    const from = peer === undefined ? null : readPeer(peer)
    if (from === null || (forwardedFor === null && forwarded === null)) return from?.address ?? null
    const one = forwardedFor === null ? null : walk(from, forwardedFor, readForwardedFor)
    if (forwarded === null) return one
    const other = walk(from, forwarded, readForwarded)
    if (forwardedFor === null) return other
    return one !== null && other !== null && IpAddress.isSame(one, other) ? one : null
  }
}
