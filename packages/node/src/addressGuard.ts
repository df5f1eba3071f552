import { lookup as systemLookup } from "node:dns"
import type { LookupFunction } from "node:net"
import { type OptionProblem, Transport as Port } from "@millrace/core"
import ipaddr from "ipaddr.js"
import { isPublic, parseAddress } from "./internal/publicAddress.ts"

/** Which addresses webhooks may be sent to. */
export interface AddressOptions {
  /** All: no address is refused. `false` by default. */
  readonly allowPrivate?: boolean
  /**
   * What is allowed besides the public Internet: addresses, ranges (`10.0.0.0/8`, `fd00::/8`), and
   * exact host names, which may then resolve to anything.
   */
  readonly allow?: ReadonlyArray<string>
}

/**
 * Keeps requests out of private networks: whoever may name a destination may not thereby reach what
 * this machine reaches.
 */
export interface AddressGuard {
  /** Whether the host of a URL is an address that is refused: nobody looks those up. */
  readonly refusesLiteral: (hostname: string) => boolean
  /** Whether it can be said without the resolver that the host of a URL is refused. */
  readonly surelyRefuses: (hostname: string) => boolean
  /**
   * Resolves a name and drops the addresses that are refused. What is left is what is connected to:
   * nothing is resolved a second time in between. Fails with `AddressRefused` when nothing is left.
   */
  readonly lookup: LookupFunction
}

/**
 * Names no path, query or credentials, and no address: what a name resolves to inside is not for
 * everybody.
 */
export const refusal = (hostname: string): Port.TransportError =>
  new Port.TransportError({
    reason: "AddressRefused",
    message: `${hostname} is not on the public Internet, and private destinations are not allowed`,
  })

/** What {@link refusal} says, if that is why a connection was not opened. */
export const refusalIn = (error: unknown): string | undefined => {
  const cause = error instanceof Error ? error.cause : undefined
  const refused = [error, cause].find((one) => one instanceof Port.TransportError)
  return refused?.message
}

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

interface Entry {
  readonly range?: Range
  readonly name?: string
}

/** As a name is compared: `[::1]` and `Host.Example.` are `::1` and `host.example`. */
export const canonical = (hostname: string): string => hostname.toLowerCase().replace(/^\[|\]$|\.$/g, "")

const parseRange = (text: string): Entry | string => {
  const isV4 = ipaddr.IPv4.isValidCIDRFourPartDecimal(text)
  if (!isV4 && !ipaddr.IPv6.isValidCIDR(text)) return "expected a range like 10.0.0.0/8 or fd00::/8"
  const kind = isV4 ? ipaddr.IPv4 : ipaddr.IPv6
  const range = ipaddr.parseCIDR(text)
  // It is compared with the IPv4 address in it.
  if (parseAddress(range[0].toString())?.kind() !== range[0].kind()) return "expected the range in IPv4 form"
  if (kind.networkAddressFromCIDR(text).toString() !== range[0].toString())
    return "expected the first address of the range before the slash"
  return { range }
}

const parseEntry = (entry: string): Entry | string => {
  if (entry.includes("/")) return parseRange(entry)
  const host = ipaddr.IPv6.isValid(entry) ? `[${entry}]` : entry
  const url = `http://${host}/`
  if (!/^(\[[^\]]+\]|[^\s:@?#*%\\[\]]+)$/.test(host) || !URL.canParse(url))
    return "expected an address, a range like 10.0.0.0/8, or an exact host name"
  const name = canonical(new URL(url).hostname)
  const address = parseAddress(name)
  return address === null ? { name } : { range: [address, address.kind() === "ipv4" ? 32 : 128] }
}

/** What is wrong with the list of what is allowed. */
export const allowProblems = (allow: ReadonlyArray<string>, path: string): ReadonlyArray<OptionProblem> =>
  allow.flatMap((entry, index) => {
    const parsed = parseEntry(entry)
    return typeof parsed === "string" ? [{ path: `${path}[${index}]`, message: parsed }] : []
  })

const notFound = () => Object.assign(new Error("no address"), { code: "ENOTFOUND" })

/**
 * @param options without {@link allowProblems}
 * @param resolve in place of the system's resolver; what it says is vetted like any answer
 */
export const make = (
  { allowPrivate = false, allow = [] }: AddressOptions,
  resolve: LookupFunction = systemLookup,
): AddressGuard => {
  const entries = allow.map(parseEntry).filter((entry) => typeof entry === "object")
  const names = new Set(entries.flatMap(({ name }) => name ?? []))
  const ranges = entries.flatMap(({ range }) => (range === undefined ? [] : [range]))

  const permits = (text: string): boolean => {
    if (allowPrivate) return true
    const address = parseAddress(text)
    if (address === null) return false
    return (
      isPublic(address) ||
      ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
    )
  }
  const refusesLiteral = (hostname: string): boolean => {
    const host = canonical(hostname)
    return parseAddress(host) !== null && !permits(host)
  }
  return {
    refusesLiteral,
    surelyRefuses: (hostname) => {
      const host = canonical(hostname)
      // RFC 6761: localhost and what is below it is this machine.
      const isLocal = /(^|\.)localhost$/.test(host) && !names.has(host)
      return refusesLiteral(host) || (isLocal && !permits("127.0.0.1") && !permits("::1"))
    },
    lookup: (hostname, options, callback) =>
      resolve(hostname, { ...options, all: true }, (error, answer, family) => {
        if (error !== null) return callback(error, [])
        const found = typeof answer === "string" ? [{ address: answer, family: family ?? 0 }] : answer
        const permitted = names.has(canonical(hostname))
          ? found
          : found.filter(({ address }) => permits(address))
        const [first] = permitted
        if (first === undefined) return callback(found.length === 0 ? notFound() : refusal(hostname), [])
        if (options.all === true) callback(null, [...permitted])
        else callback(null, first.address, first.family)
      }),
  }
}
