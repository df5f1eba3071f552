import ipaddr from "ipaddr.js"

type Address = ipaddr.IPv4 | ipaddr.IPv6

/**
 * Public by its number, but the inside of a cloud: Azure answers every virtual machine here, with
 * what is its own.
 */
const azureHost = "168.63.129.16"

/**
 * All that IANA has given out for use on the Internet: what lies outside is unassigned, deprecated
 * or local.
 */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3]

/** RFC 6052: where a network without IPv4 finds an IPv4 address, in the last four bytes. */
const nat64: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("64:ff9b::"), 96]

/**
 * The address that packets end up at: an IPv4-mapped one and one behind NAT64 become the IPv4
 * address they hold.
 *
 * @returns `null` when it is no address
 */
export const parseAddress = (text: string): Address | null => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (!/^[\da-f:.]+(%.+)?$/i.test(text)) return null
  // In groups of hex digits: ipaddr.js takes ::1.2.3.4, which is deprecated, for ::ffff:1.2.3.4,
  // which is another address.
  const url = `http://[${text.replace(/%.*/, "")}]/`
  if (!URL.canParse(url)) return null
  const address = ipaddr.IPv6.parse(new URL(url).hostname.slice(1, -1))
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  return address.match(nat64) ? new ipaddr.IPv4(address.toByteArray().slice(12)) : address
}

/**
 * Whether an address is one of the public Internet, by IANA's registries of special-purpose
 * addresses (RFC 6890). Those that hold an IPv4 address by an abandoned scheme (6to4, Teredo,
 * IPv4-compatible) are not, whatever they hold.
 */
export const isPublic = (address: Address): boolean => {
  if (address.range() !== "unicast") return false
  return address.kind() === "ipv4" ? address.toString() !== azureHost : address.match(globalUnicast)
}
