/**
 * IP addresses as texts and numbers. They are read here because core runs anywhere: it has neither
 * Node's parser nor a package's.
 */

/**
 * An address by its groups of 16 bits: two of IPv4, eight of IPv6. An IPv4 address that is mapped
 * into IPv6 is the IPv4 address.
 */
export type IpAddress = ReadonlyArray<number>

/** All addresses that begin with the same bits. */
export interface IpRange {
  readonly network: IpAddress
  readonly bits: number
}

/** No text of an address is longer, a zone apart. */
const maxLength = 45

const v4Form = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

const parseV4 = (text: string): IpAddress | null => {
  const match = v4Form.exec(text)
  if (match === null) return null
  const [first, second, third, fourth] = [
    Number(match[1]),
    Number(match[2]),
    Number(match[3]),
    Number(match[4]),
  ]
  if (first > 255 || second > 255 || third > 255 || fourth > 255) return null
  return [first * 256 + second, third * 256 + fourth]
}

const groupForm = /^[\da-f]{1,4}$/i

/** Groups between colons. The last ones may be written as an IPv4 address. */
const parseGroups = (text: string, isEnd: boolean): IpAddress | null => {
  if (text === "") return []
  const parts = text.split(":")
  const groups: Array<number> = []
  for (const [index, part] of parts.entries()) {
    if (groupForm.test(part)) groups.push(Number.parseInt(part, 16))
    else {
      const embedded = isEnd && index === parts.length - 1 ? parseV4(part) : null
      if (embedded === null) return null
      groups.push(...embedded)
    }
  }
  return groups
}

const v6Groups = 8

const parseV6 = (text: string): IpAddress | null => {
  const gap = text.indexOf("::")
  if (gap === -1) {
    const groups = parseGroups(text, true)
    return groups?.length === v6Groups ? groups : null
  }
  const rest = text.slice(gap + 2)
  if (rest.includes("::")) return null
  const head = parseGroups(text.slice(0, gap), false)
  const tail = parseGroups(rest, true)
  if (head === null || tail === null) return null
  const missing = v6Groups - head.length - tail.length
  return missing < 1 ? null : [...head, ...Array<number>(missing).fill(0), ...tail]
}

const mappedPrefix: IpAddress = [0, 0, 0, 0, 0, 0xffff]

const isMapped = (groups: IpAddress): boolean => mappedPrefix.every((group, at) => groups[at] === group)

/** A name or a number of a network interface. */
const zoneForm = /^[\w.~:-]+$/

/**
 * Reads an address; `null` when the text is none. The zone of an IPv6 address (`fe80::1%eth0`) says
 * something to its own machine only, and is left out.
 */
export const parse = (text: string): IpAddress | null => {
  if (!text.includes(":")) return parseV4(text)
  const [address = "", zone, ...more] = text.split("%", 3)
  if (address.length > maxLength || more.length > 0) return null
  if (zone !== undefined && !zoneForm.test(zone)) return null
  const groups = parseV6(address)
  return groups !== null && isMapped(groups) ? groups.slice(mappedPrefix.length) : groups
}

export const isV4 = (address: IpAddress): boolean => address.length === 2

/** Where the longest run of zeros begins, and how long it is: two groups at least. */
const longestGap = (groups: IpAddress): { readonly from: number; readonly length: number } => {
  let longest = { from: -1, length: 1 }
  let from = 0
  for (let at = 0; at <= groups.length; at++) {
    if (groups[at] === 0) continue
    if (at - from > longest.length) longest = { from, length: at - from }
    from = at + 1
  }
  return longest
}

/** The one text that stands for an address: in IPv6 that of RFC 5952. */
export const format = (address: IpAddress): string => {
  if (isV4(address)) {
    const [high = 0, low = 0] = address
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  }
  const texts = address.map((group) => group.toString(16))
  const { from, length } = longestGap(address)
  if (from === -1) return texts.join(":")
  return `${texts.slice(0, from).join(":")}::${texts.slice(from + length).join(":")}`
}

/** Bits that a group keeps of an address's first `bits`. */
const maskOf = (bits: number, group: number): number =>
  (0xffff << Math.min(Math.max(16 * (group + 1) - bits, 0), 16)) & 0xffff

/** The first address of the range that an address is in. */
export const firstOf = ({ network, bits }: IpRange): IpAddress =>
  network.map((group, at) => group & maskOf(bits, at))

export const isIn = (address: IpAddress, { network, bits }: IpRange): boolean => {
  if (address.length !== network.length) return false
  for (let at = 0; at * 16 < bits; at++) {
    if (((address[at]! ^ network[at]!) & maskOf(bits, at)) !== 0) return false
  }
  return true
}

export const isSame = (one: IpAddress, other: IpAddress): boolean =>
  one.length === other.length && one.every((group, at) => group === other[at])

/** Reads a range, `10.0.0.0/8`, or a single address; or says what is wrong with the text. */
export const parseRange = (text: string): IpRange | string => {
  const [before = "", after, ...more] = text.split("/")
  const network = before.includes("%") ? null : parse(before)
  const isNumber = after === undefined || /^(0|[1-9]\d{0,2})$/.test(after)
  if (network === null || !isNumber || more.length > 0) {
    return "expected an address, or a range like 10.0.0.0/8 or fd00::/8"
  }
  if (before.includes(":") && isV4(network)) return "expected the IPv4 form"
  const most = network.length * 16
  const bits = after === undefined ? most : Number(after)
  if (bits > most) return `expected ${most} at most behind the slash`
  const range = { network, bits }
  return isSame(firstOf(range), network) ? range : "expected the first address of the range before the slash"
}
