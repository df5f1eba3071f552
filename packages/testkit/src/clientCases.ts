/** A request's head, and which address it comes from when it is believed as far as it may be. */
export interface ClientCase {
  readonly name: string
  /** Header lines, in order. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  /** `null` when it cannot be told. */
  readonly ip: string | null
}

/**
 * What intake has to be told for {@link clientCases} to hold, where they are sent over loopback:
 * the other end of the connection is the nearest proxy.
 */
export const clientOptions = {
  ip: "keep",
  userAgent: true,
  trust: ["127.0.0.0/8", "::1", "10.0.0.0/8", "fd00::/8", "203.0.113.7"],
} as const

/** The address that everybody in {@link clientCases} comes from who is believed nothing. */
export const untrustedPeer = "127.0.0.1"

const xff = (...values: ReadonlyArray<string>): ClientCase["headers"] =>
  values.map((value) => ["x-forwarded-for", value])

const forwarded = (...values: ReadonlyArray<string>): ClientCase["headers"] =>
  values.map((value) => ["forwarded", value])

const proxies = (count: number): string =>
  Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 255}`).join(", ")

const victim = "198.51.100.66"

/** Every way to write down who has called whom, and to lie about it. The client is 192.0.2.1. */
export const clientCases: ReadonlyArray<ClientCase> = [
  { name: "no header: the peer", headers: [], ip: untrustedPeer },
  { name: "one address", headers: xff("192.0.2.1"), ip: "192.0.2.1" },
  { name: "through trusted proxies", headers: xff("192.0.2.1, 10.1.2.3,203.0.113.7"), ip: "192.0.2.1" },
  { name: "in two lines", headers: xff("192.0.2.1", "10.1.2.3"), ip: "192.0.2.1" },
  { name: "all are trusted: the farthest", headers: xff("10.9.9.9, 10.1.2.3"), ip: "10.9.9.9" },
  { name: "through 50 proxies", headers: xff(`192.0.2.1, ${proxies(50)}`), ip: "192.0.2.1" },
  { name: "through more than there can be", headers: xff(`192.0.2.1, ${proxies(65)}`), ip: null },
  { name: "with a port", headers: xff("192.0.2.1:4711"), ip: "192.0.2.1" },
  { name: "empty items", headers: xff(", 192.0.2.1 ,, 10.1.2.3, ,"), ip: "192.0.2.1" },
  { name: "nothing but empty items", headers: xff(",, ,"), ip: untrustedPeer },
  { name: "in quotes", headers: xff('"192.0.2.1"'), ip: "192.0.2.1" },

  { name: "IPv6", headers: xff("2001:DB8:0:0::1"), ip: "2001:db8::1" },
  { name: "IPv6 in brackets", headers: xff("[2001:db8::1]"), ip: "2001:db8::1" },
  { name: "IPv6 with a port", headers: xff("[2001:db8::1]:4711"), ip: "2001:db8::1" },
  { name: "IPv6 with a zone", headers: xff("fe80::1%eth0"), ip: "fe80::1" },
  { name: "IPv6 with a zone and a port", headers: xff("[fe80::1%en0]:80"), ip: "fe80::1" },
  { name: "through a proxy on IPv6", headers: xff("192.0.2.1, fd00::5"), ip: "192.0.2.1" },
  { name: "IPv4 mapped into IPv6", headers: xff("::ffff:192.0.2.1"), ip: "192.0.2.1" },
  { name: "a proxy mapped into IPv6", headers: xff("192.0.2.1, ::ffff:10.1.2.3"), ip: "192.0.2.1" },
  { name: "mapped, in hex digits", headers: xff("::ffff:c000:201"), ip: "192.0.2.1" },

  { name: "a spoofed address", headers: xff(`${victim}, 192.0.2.1`), ip: "192.0.2.1" },
  { name: "a spoofed proxy", headers: xff(`${victim}, 10.1.2.3, 192.0.2.1`), ip: "192.0.2.1" },
  { name: "a spoofed line", headers: xff(victim, "192.0.2.1, 10.1.2.3"), ip: "192.0.2.1" },
  { name: "an open quote", headers: xff(`${victim}, "`, "192.0.2.1"), ip: "192.0.2.1" },
  { name: "50 spoofed ones", headers: xff(`${victim}, `.repeat(50), "192.0.2.1"), ip: "192.0.2.1" },
  { name: "more than is read", headers: xff(`${victim}, `.repeat(700), "192.0.2.1"), ip: "192.0.2.1" },
  { name: "more than is read, of nothing", headers: xff(",".repeat(9_000)), ip: null },

  { name: "unknown", headers: xff(`${victim}, unknown`), ip: null },
  { name: "a name", headers: xff(`${victim}, client.example`), ip: null },
  { name: "octal digits", headers: xff("0300.0.2.1"), ip: null },
  { name: "too large a number", headers: xff("192.0.2.256"), ip: null },
  { name: "two gaps", headers: xff("2001::db8::1"), ip: null },
  { name: "a port that is none", headers: xff("192.0.2.1:port"), ip: null },
  { name: "an endless address", headers: xff(`[${"0".repeat(500)}::1]`), ip: null },

  { name: "forwarded", headers: forwarded("for=192.0.2.1;proto=http;by=10.1.2.3"), ip: "192.0.2.1" },
  { name: "forwarded, IPv6", headers: forwarded('For="[2001:db8::1]:4711"'), ip: "2001:db8::1" },
  {
    name: "forwarded, several",
    headers: forwarded('for=192.0.2.1, for="10.1.2.3:80" ; host="a,b"'),
    ip: "192.0.2.1",
  },
  { name: "forwarded, in two lines", headers: forwarded("for=192.0.2.1", "for=10.1.2.3"), ip: "192.0.2.1" },
  { name: "forwarded, hidden", headers: forwarded(`for=${victim}, for=_hidden`), ip: null },
  { name: "forwarded, unknown", headers: forwarded(`for=${victim}, for=unknown`), ip: null },
  { name: "forwarded, without a for", headers: forwarded(`for=${victim}, proto=https`), ip: null },
  { name: "forwarded, with two", headers: forwarded(`for=192.0.2.1;for=${victim}`), ip: null },
  { name: "forwarded, spoofed", headers: forwarded(`for=${victim}, for=192.0.2.1`), ip: "192.0.2.1" },
  { name: "forwarded, an open quote", headers: forwarded('for="', "for=192.0.2.1"), ip: "192.0.2.1" },
  {
    name: "forwarded, a for within another value",
    headers: forwarded(`host="x;for=${victim}";for=192.0.2.1`),
    ip: "192.0.2.1",
  },
  {
    name: "forwarded, an escaped quote",
    headers: forwarded(`for=${victim}, host="x\\", for=${victim};x=\\"";for=192.0.2.1`),
    ip: "192.0.2.1",
  },

  {
    name: "both headers, and they agree",
    headers: [...xff("192.0.2.1:80, 10.1.2.3"), ...forwarded("for=192.0.2.1")],
    ip: "192.0.2.1",
  },
  {
    name: "both headers, one of them the client's own",
    headers: [...xff("192.0.2.1"), ...forwarded(`for=${victim}`)],
    ip: null,
  },
]
