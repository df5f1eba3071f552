import { clientCases, clientOptions, untrustedPeer } from "@millrace/testkit"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as IpAddress from "../../src/base/ipAddress.ts"
import { makeClientAddress, maxHops } from "../../src/intake/clientAddress.ts"

type Way = Parameters<ReturnType<typeof makeClientAddress>>[0]

const trust = clientOptions.trust.map(IpAddress.parseRange).filter((range) => typeof range !== "string")

/** One for all cases: what it remembers of one must not change another. */
const remembering = makeClientAddress(trust)

const find = (way: Partial<Way>, trusted: ReadonlyArray<IpAddress.IpRange> = trust): string | null => {
  const read = trusted === trust ? remembering : makeClientAddress(trusted)
  const address = read({ peer: untrustedPeer, forwardedFor: null, forwarded: null, ...way })
  return address === null ? null : IpAddress.format(address)
}

const client = fc.oneof(
  fc.tuple(fc.constantFrom(1, 192, 198), fc.nat(255), fc.nat(255), fc.nat(255)).map((all) => all.join(".")),
  fc
    .array(fc.nat(0xffff), { minLength: 7, maxLength: 7 })
    .map((groups) => IpAddress.format([0x2001, ...groups])),
)

/** How one address may be written in `x-forwarded-for`. */
const spelt = (address: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(address, fc.constantFrom("", ":80", ":65535"), fc.boolean()).map(([one, port, isQuoted]) => {
    const isV6 = one.includes(":")
    const node = isV6 ? (port === "" ? one : `[${one}]${port}`) : `${one}${port}`
    return isQuoted ? `"${node}"` : node
  })

const proxy = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((all) => `10.${all.join(".")}`),
  fc.constantFrom("fd00::1", "203.0.113.7", "::ffff:10.0.0.1", "127.0.0.2"),
)

/** What a client may have written before anybody else does. */
const spoofed = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('"', "\\", ",", ";", "for=", "1.1.1.1", " ", "[", "]", "host=") }),
  fc.array(fc.oneof(spelt(client), spelt(proxy)), { maxLength: 80 }).map((all) => all.join(", ")),
  fc.string({ minLength: 9_000, maxLength: 9_100 }),
)

const gap = fc.constantFrom(",", ", ", " ,", " , ,")

describe("a client's address", () => {
  it.each(clientCases.map((one) => [one.name, one] as const))("%s", (_, { headers, ip }) => {
    const joined = (name: string) => {
      const lines = headers.filter(([header]) => header === name).map(([, value]) => value)
      return lines.length === 0 ? null : lines.join(", ")
    }
    const way = { forwardedFor: joined("x-forwarded-for"), forwarded: joined("forwarded") }
    expect(find(way)).toBe(ip)
    expect(find(way, [])).toBe(untrustedPeer)
  })

  it("is what the trusted have written, whatever stands before that", () => {
    const written = fc.tuple(spelt(client), fc.array(spelt(proxy), { maxLength: 5 }), gap)
    fc.assert(
      fc.property(spoofed, written, gap, (prefix, [from, proxies, between], comma) => {
        const suffix = [from, ...proxies].join(between)
        const expected = find({ forwardedFor: suffix })
        expect(expected).not.toBeNull()
        expect(find({ forwardedFor: `${prefix}${comma}${suffix}` })).toBe(expected)
      }),
      { numRuns: 3_000 },
    )
  })

  it("is so by the other header, too, with values that hold quotes and commas", () => {
    const other = fc.constantFrom(
      ...["", ";proto=https", ';host="a,b;for=1.1.1.1"', ';by="[fd00::9]:443"', ';x="\\", for=1.1.1.1, \\""'],
    )
    const element = (address: fc.Arbitrary<string>) =>
      fc.tuple(fc.constantFrom("for=", "For=", "FOR ="), address, other).map(([name, one, rest]) => {
        return `${name}"${one.includes(":") ? `[${one}]` : one}"${rest}`
      })
    const written = fc.tuple(element(client), fc.array(element(proxy), { maxLength: 5 }), gap)
    fc.assert(
      fc.property(spoofed, written, gap, (prefix, [from, proxies, between], comma) => {
        const suffix = [from, ...proxies].join(between)
        const expected = find({ forwarded: suffix })
        expect(expected).not.toBeNull()
        expect(find({ forwarded: `${prefix}${comma}${suffix}` })).toBe(expected)
      }),
      { numRuns: 3_000 },
    )
  })

  it("is what a hidden hop hides: nothing before it counts", () => {
    fc.assert(
      fc.property(spoofed, fc.constantFrom("unknown", "_hidden", "for", "1.2.3", '"'), (prefix, hidden) => {
        expect(find({ forwardedFor: `${prefix}, ${hidden}` })).toBeNull()
      }),
    )
  })

  it("is never one of a header of a peer that is not trusted, or is not known", () => {
    fc.assert(
      fc.property(spoofed, spoofed, (forwardedFor, forwarded) => {
        expect(find({ peer: "192.0.2.7", forwardedFor, forwarded })).toBe("192.0.2.7")
        expect(find({ peer: undefined, forwardedFor, forwarded })).toBeNull()
      }),
    )
  })

  it("is read through as many proxies as there may be, and through no more", () => {
    const through = (count: number) => ["192.0.2.1", ...Array<string>(count).fill("10.0.0.1")].join(",")
    expect(find({ forwardedFor: through(maxHops - 1) })).toBe("192.0.2.1")
    expect(find({ forwardedFor: through(maxHops) })).toBeNull()
  })

  it("never takes long, nor throws", () => {
    const heavy = ['"', "\\", '\\"', ",", "for=", "[", 'for="\\\\', " ", ";", ":"].map((unit) =>
      unit.repeat(20_000),
    )
    for (const header of heavy) {
      expect(find({ forwardedFor: header, forwarded: header })).toBeNull()
    }
  })
})
