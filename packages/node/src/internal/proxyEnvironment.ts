import ipaddr from "ipaddr.js"
import { canonical } from "../addressGuard.ts"
import { parseAddress } from "./publicAddress.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** Finds the proxy for a URL, as its text; `null` when there is none for it. */
export type ProxyOf = (url: URL) => string | null

const portOf = ({ port, protocol }: URL): string => port || (protocol === "https:" ? "443" : "80")

type Exempts = (hostname: string, port: string) => boolean

const isRange = (text: string): boolean =>
  ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)

/** What one entry of `NO_PROXY` exempts: a host and all below it, a range, or everything. */
const exemption = (entry: string): Exempts => {
  if (entry === "*") return () => true
  if (isRange(entry)) {
    const [network, bits] = ipaddr.parseCIDR(entry)
    return (hostname) => {
      const address = parseAddress(hostname)
      return address !== null && address.kind() === network.kind() && address.match(network, bits)
    }
  }
  const isAddress = parseAddress(canonical(entry)) !== null
  const [host = "", port] = isAddress ? [entry] : entry.split(/:(?=\d+$)/)
  const name = canonical(host).replace(/^\*?\./, "")
  return (hostname, at) =>
    (port === undefined || port === at) && (hostname === name || hostname.endsWith(`.${name}`))
}

/**
 * Reads the variables that most programs take their proxies from. Those in lower case come first;
 * `NO_PROXY` has hosts with all that is below them, addresses, ranges and ports, with commas or
 * spaces between.
 */
export const readEnvironment = (environment: Environment): ProxyOf => {
  const read = (name: string): string | undefined =>
    environment[name.toLowerCase()] || environment[name] || undefined
  const proxies = { "https:": read("HTTPS_PROXY"), "http:": read("HTTP_PROXY") }
  const exemptions = (read("NO_PROXY") ?? "")
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .map(exemption)
  return (url) => {
    const proxy = url.protocol === "https:" ? proxies["https:"] : proxies["http:"]
    if (proxy === undefined) return null
    const hostname = canonical(url.hostname)
    return exemptions.some((exempts) => exempts(hostname, portOf(url))) ? null : proxy
  }
}
