import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isPublic, parseAddress } from "../../src/internal/publicAddress.ts"

const judge = (text: string): boolean | null => {
  const address = parseAddress(text)
  return address === null ? null : isPublic(address)
}

/**
 * The first and the last address of every range that is not the public Internet's, and of what lies
 * between IANA's registries.
 */
const notPublic = {
  "this network": ["0.0.0.0", "0.255.255.255"],
  private: ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
  "carrier-grade NAT, and a metadata service in it": ["100.64.0.0", "100.100.100.200", "100.127.255.255"],
  loopback: ["127.0.0.0", "127.0.0.1", "127.255.255.255"],
  "link-local, and the metadata service in it": ["169.254.0.0", "169.254.169.254", "169.254.255.255"],
  "Azure's host": ["168.63.129.16"],
  "protocol assignments": ["192.0.0.0", "192.0.0.192", "192.0.0.255"],
  documentation: [
    "192.0.2.0",
    "192.0.2.255",
    "198.51.100.0",
    "198.51.100.255",
    "203.0.113.0",
    "203.0.113.255",
  ],
  "6to4 relays": ["192.88.99.0", "192.88.99.255"],
  benchmarking: ["198.18.0.0", "198.19.255.255"],
  multicast: ["224.0.0.0", "239.255.255.255"],
  "reserved, and broadcast": ["240.0.0.0", "255.255.255.254", "255.255.255.255"],
  "unspecified and loopback of IPv6": ["::", "::1", "0:0:0:0:0:0:0:1"],
  "IPv4-mapped": [
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "0:0:0:0:0:FFFF:10.0.0.1",
    "::ffff:0:0",
    "::ffff:a9fe:a9fe",
  ],
  "IPv4-compatible": ["::127.0.0.1", "::7f00:1", "::8.8.8.8"],
  "IPv4-translated": ["::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8"],
  "NAT64 to what is not public": [
    "64:ff9b::",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.1.2.3",
  ],
  "NAT64 of a local network": ["64:ff9b:1::", "64:ff9b:1::8.8.8.8", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"],
  "6to4, whatever it holds": ["2002::", "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::"],
  "Teredo, whatever it holds": ["2001::", "2001:0:808:808::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff"],
  "protocol assignments of IPv6": ["2001:2::", "2001:10::", "2001:20::", "2001:1ff:ffff:ffff::"],
  "documentation of IPv6": ["2001:db8::", "2001:db8:ffff:ffff::", "3fff::", "3fff:fff:ffff::"],
  discard: ["100::", "100::ffff:ffff:ffff:ffff"],
  "unique local, and metadata services in it": ["fc00::", "fd00:ec2::254", "fd20:ce::254", "fdff:ffff::"],
  "link-local of IPv6": ["fe80::", "fe80::1%eth0", "febf:ffff::"],
  "site-local": ["fec0::", "feff:ffff::"],
  "multicast of IPv6": ["ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  "not given out": ["200::", "1fff:ffff::", "4000::", "5f00::", "8000::1", "fbff:ffff::"],
}

const publicOnes = [
  ...["1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"],
  ...["128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255"],
  ...["172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"],
  ...["223.255.255.255", "2000::", "2001:200::", "2001:db7::", "2001:db9::", "2600::1", "3ffe:ffff::"],
  ...["::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b::808:808"],
]

describe("isPublic", () => {
  it.each(Object.entries(notPublic))("not: %s", (_, addresses) => {
    expect(addresses.map((address) => [address, judge(address)])).toEqual(
      addresses.map((address) => [address, false]),
    )
  })

  it.each(publicOnes)("%s is", (address) => {
    expect(judge(address)).toBe(true)
  })

  it("an IPv4 address is judged the same in every form that leads to it", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const mapped = judge(`::ffff:${address}`)
        expect(mapped).toBe(judge(address))
        expect(judge(`64:ff9b::${address}`)).toBe(mapped)
      }),
    )
  })

  it("never those that hold an IPv4 address by an abandoned scheme", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a, b, c, d] = address.split(".").map(Number) as [number, number, number, number]
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
        for (const text of [`::${hex}`, `2002:${hex}::1`, `2001:0:${hex}::1`]) expect(judge(text)).toBe(false)
      }),
    )
  })
})

describe("parseAddress", () => {
  it.each([
    ...[
      "",
      "localhost",
      "example.com",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "127.1",
      "2130706433",
      "0x7f000001",
    ],
    ...["0177.0.0.1", "1.2.3.4.", " 1.2.3.4", "[::1]", "::1::", "1.2.3.4/8", "12345::"],
  ])("%j is no address", (text) => {
    expect(parseAddress(text)).toBeNull()
  })
})
