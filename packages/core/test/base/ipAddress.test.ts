import { BlockList, isIP, isIPv6 } from "node:net"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as IpAddress from "../../src/base/ipAddress.ts"

const group = fc.oneof(fc.constant(0), fc.nat(0xffff))
const v6 = fc.array(group, { minLength: 8, maxLength: 8 })
const v4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((bytes) => bytes.join("."))

/** What may be an address, or nearly. */
const text = fc.oneof(
  v4,
  v6.map((groups) => groups.map((one) => one.toString(16)).join(":")),
  fc.ipV6(),
  fc
    .array(fc.constantFrom("0", "1", "ffff", "::", ":", ".", "255", "256", "01", "g", "%", "1.2.3.4"), {
      maxLength: 9,
    })
    .map((parts) => parts.join("")),
)

/** The text that URLs have for an address of IPv6. */
const canonical = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1)

describe("an address", () => {
  it("is read of the texts that Node reads, and of no others", () => {
    fc.assert(
      fc.property(text, (one) => {
        // What Node takes for a zone depends on its version.
        fc.pre(!one.includes("%"))
        expect(IpAddress.parse(one) !== null).toBe(isIP(one) !== 0)
      }),
      { numRuns: 5_000 },
    )
  })

  it("has one text, whatever it was read of", () => {
    fc.assert(
      fc.property(text, (one) => {
        const address = IpAddress.parse(one)
        if (address === null) return
        const shown = IpAddress.format(address)
        expect(IpAddress.parse(shown)).toEqual(address)
        if (isIPv6(shown)) expect(shown).toBe(canonical(one.replace(/%.*/, "")))
      }),
      { numRuns: 5_000 },
    )
  })

  it.each(["fe80::1%", "fe80::1%a%b", "fe80::1%a b", "192.0.2.1%eth0", `${"0".repeat(50)}::1`])(
    "%s is none",
    (one) => {
      expect(IpAddress.parse(one)).toBeNull()
    },
  )

  it.each([
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["::192.0.2.1", "::c000:201"],
    ["FE80::1%eth0", "fe80::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
    ["2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"],
  ])("%s is %s", (one, shown) => {
    expect(IpAddress.format(IpAddress.parse(one)!)).toBe(shown)
  })
})

describe("a range", () => {
  it("holds the addresses that Node finds in it", () => {
    const seen = { in: 0, out: 0 }
    const pair = fc.oneof(
      fc.record({ kind: fc.constant("ipv4" as const), one: v4, bits: fc.nat(32), flip: fc.nat(31) }),
      fc.record({
        kind: fc.constant("ipv6" as const),
        one: v6.map((groups) => IpAddress.format([0x2001, ...groups.slice(1)])),
        bits: fc.nat(128),
        flip: fc.nat(127),
      }),
    )
    fc.assert(
      fc.property(pair, ({ kind, one, bits, flip }) => {
        const address = IpAddress.parse(one)!
        const range = { network: IpAddress.firstOf({ network: address, bits }), bits }
        const other = address.map((value, at) =>
          at === flip >> 4 ? value ^ (1 << (15 - (flip & 15))) : value,
        )
        const list = new BlockList()
        list.addSubnet(IpAddress.format(range.network), bits, kind)
        expect(IpAddress.isIn(address, range)).toBe(true)
        const isIn = list.check(IpAddress.format(other), kind)
        expect(IpAddress.isIn(other, range)).toBe(isIn)
        seen[isIn ? "in" : "out"] += 1
      }),
      { numRuns: 2_000 },
    )
    expect(Math.min(seen.in, seen.out)).toBeGreaterThan(200)
  })

  it.each([
    ["10.0.0.0/8", { network: [10 * 256, 0], bits: 8 }],
    ["192.0.2.1", { network: [192 * 256, 2 * 256 + 1], bits: 32 }],
    ["fd00::/8", { network: [0xfd00, 0, 0, 0, 0, 0, 0, 0], bits: 8 }],
    ["::1", { network: [0, 0, 0, 0, 0, 0, 0, 1], bits: 128 }],
    ["0.0.0.0/0", { network: [0, 0], bits: 0 }],
  ])("%s is one", (one, range) => {
    expect(IpAddress.parseRange(one)).toEqual(range)
  })

  it.each([
    ["", "expected an address, or a range like 10.0.0.0/8 or fd00::/8"],
    ["10/8", "expected an address, or a range like 10.0.0.0/8 or fd00::/8"],
    ["10.0.0.0/", "expected an address, or a range like 10.0.0.0/8 or fd00::/8"],
    ["10.0.0.0/8/8", "expected an address, or a range like 10.0.0.0/8 or fd00::/8"],
    ["10.0.0.0/08", "expected an address, or a range like 10.0.0.0/8 or fd00::/8"],
    ["fe80::%eth0/10", "expected an address, or a range like 10.0.0.0/8 or fd00::/8"],
    ["proxy.example", "expected an address, or a range like 10.0.0.0/8 or fd00::/8"],
    ["10.0.0.0/33", "expected 32 at most behind the slash"],
    ["fd00::/129", "expected 128 at most behind the slash"],
    ["10.0.0.1/8", "expected the first address of the range before the slash"],
    ["::ffff:10.0.0.0/104", "expected the IPv4 form"],
  ])("%j is none", (one, problem) => {
    expect(IpAddress.parseRange(one)).toBe(problem)
  })
})
