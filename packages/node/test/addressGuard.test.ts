import type { LookupAddress } from "node:dns"
import type { LookupFunction } from "node:net"
import { describe, expect, it } from "vitest"
import * as AddressGuard from "../src/addressGuard.ts"

const hostOf = (url: string) => new URL(url).hostname

/** As Node asks: for all addresses, or for one. */
const look = (guard: AddressGuard.AddressGuard, name: string, all = true) =>
  new Promise<unknown>((resolve) =>
    guard.lookup(name, { all }, (error, ...found) => resolve(error ?? (all ? found[0] : found))),
  )

const at = (address: string): LookupAddress => ({ address, family: address.includes(":") ? 6 : 4 })

const resolver =
  (...addresses: ReadonlyArray<string>): LookupFunction =>
  (_name, _options, callback) =>
    callback(null, addresses.map(at))

const guard = AddressGuard.make({})

describe("an address in a URL", () => {
  it.each([
    ...[
      "http://127.0.0.1/",
      "http://127.1/",
      "http://2130706433/",
      "http://0x7f000001/",
      "http://0177.0.0.1/",
    ],
    ...[
      "http://0x7f.1/",
      "http://127.0.0.1./",
      "http://127.0.0.1.:80/",
      "http://%31%32%37.0.0.1/",
      "http://0/",
    ],
    ...[
      "http://①②⑦.⓪.⓪.①/",
      "http://127。0。0。1/",
      "http://user:pass@127.0.0.1/",
      "HTTP://127.0.0.1/",
      "http:127.0.0.1",
    ],
    ...[
      "http://[::1]/",
      "http://[::]/",
      "http://[::ffff:127.0.0.1]/",
      "http://[::ffff:7f00:1]/",
      "http://[::127.0.0.1]/",
    ],
    ...[
      "http://[64:ff9b::10.0.0.1]/",
      "http://[fd00:ec2::254]/",
      "http://169.254.169.254/latest",
      "http://10.1/",
    ],
    ...[
      "https://192.168.0.1:8443/hook",
      "http://[fe80::1]/",
      "http://100.64.0.1/",
      "http://255.255.255.255/",
    ],
  ])("%s is refused", (url) => {
    expect(guard.refusesLiteral(hostOf(url))).toBe(true)
    expect(guard.surelyRefuses(hostOf(url))).toBe(true)
  })

  it.each([
    ...["http://8.8.8.8/", "http://[2600::1]/", "http://134744072/", "http://[::ffff:8.8.8.8]/"],
    ...["http://example.com/", "http://127.0.0.1.example.com/", "http://10.example/"],
  ])("%s is not", (url) => {
    expect(guard.refusesLiteral(hostOf(url))).toBe(false)
    expect(guard.surelyRefuses(hostOf(url))).toBe(false)
  })

  it.each(["http://localhost/", "http://LOCALHOST./", "http://a.localhost/"])(
    "%s is a name: it has to be looked up, but is sure to be refused",
    (url) => {
      expect(guard.refusesLiteral(hostOf(url))).toBe(false)
      expect(guard.surelyRefuses(hostOf(url))).toBe(true)
    },
  )
})

describe("a name", () => {
  it("keeps the addresses that are public, in their order", async () => {
    const mixed = resolver("10.0.0.1", "8.8.8.8", "::1", "2600::1", "169.254.169.254", "fe80::1%eth0")
    const vetting = AddressGuard.make({}, mixed)
    expect(await look(vetting, "mixed.example")).toEqual([at("8.8.8.8"), at("2600::1")])
    expect(await look(vetting, "mixed.example", false)).toEqual(["8.8.8.8", 4])
  })

  it.each([["10.0.0.1"], ["::ffff:10.0.0.1"], ["::1", "127.0.0.1"], ["no address"]])(
    "of %s only is refused, and the error names it, but no address",
    async (...addresses) => {
      const error = await look(AddressGuard.make({}, resolver(...addresses)), "inside.example")
      expect(error).toMatchObject({
        reason: "AddressRefused",
        message: "inside.example is not on the public Internet, and private destinations are not allowed",
      })
    },
  )

  it("without an address is not found, and a resolver's error stays what it is", async () => {
    expect(await look(AddressGuard.make({}, resolver()), "none.example")).toMatchObject({ code: "ENOTFOUND" })
    const failure = Object.assign(new Error("later"), { code: "EAI_AGAIN" })
    const failing: LookupFunction = (_name, _options, callback) => callback(failure, [])
    expect(await look(AddressGuard.make({}, failing), "later.example")).toBe(failure)
  })

  it("may be answered with one address only", async () => {
    const single: LookupFunction = (_name, _options, callback) => callback(null, "8.8.4.4", 4)
    expect(await look(AddressGuard.make({}, single), "one.example")).toEqual([at("8.8.4.4")])
  })

  it("is resolved by the system by default", async () => {
    expect(await look(guard, "localhost")).toMatchObject({ reason: "AddressRefused" })
  })
})

describe("what is allowed", () => {
  const allowing = (...allow: ReadonlyArray<string>) => AddressGuard.make({ allow }, resolver("10.1.2.3"))
  const refuses = (allow: ReadonlyArray<string>, url: string) =>
    allowing(...allow).refusesLiteral(hostOf(url))

  it("everything, if asked for", async () => {
    const open = AddressGuard.make({ allowPrivate: true }, resolver("10.1.2.3"))
    for (const url of ["http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "http://localhost/"])
      expect(open.surelyRefuses(hostOf(url))).toBe(false)
    expect(await look(open, "inside.example")).toEqual([at("10.1.2.3")])
  })

  it.each<[string, string, string]>([
    ["10.0.0.0/8", "http://10.255.0.1/", "http://192.168.0.1/"],
    ["10.0.0.0/8", "http://[::ffff:10.0.0.1]/", "http://127.0.0.1/"],
    ["127.0.0.1", "http://127.1/", "http://127.0.0.2/"],
    ["127.0.0.1/32", "http://127.0.0.1/", "http://[::1]/"],
    ["fd00::/8", "http://[fd12::1]/", "http://[fc00::1]/"],
    ["::1", "http://[::1]/", "http://127.0.0.1/"],
    ["[::1]", "http://[::1]/", "http://[::2]/"],
    ["::ffff:10.0.0.1", "http://10.0.0.1/", "http://10.0.0.2/"],
    ["0.0.0.0/0", "http://192.168.0.1/", "http://[::1]/"],
    ["::/0", "http://[::1]/", "http://192.168.0.1/"],
  ])("%s allows %s, not %s", (entry, allowed, refused) => {
    expect(refuses([entry], allowed)).toBe(false)
    expect(allowing(entry).surelyRefuses(hostOf(refused))).toBe(true)
  })

  it("a name, in any spelling, wherever it resolves to; not what is below it", async () => {
    const open = allowing("Hooks.Internal.", "bücher.internal")
    for (const name of ["hooks.internal", "hooks.internal.", "HOOKS.internal", "xn--bcher-kva.internal"])
      expect(await look(open, name)).toEqual([at("10.1.2.3")])
    for (const name of ["a.hooks.internal", "hooks.internal.example", "internal", "10.1.2.3"])
      expect(await look(open, name)).toMatchObject({ reason: "AddressRefused" })
    expect(allowing("localhost").surelyRefuses("localhost")).toBe(false)
    expect(allowing("127.0.0.0/8").surelyRefuses("localhost")).toBe(false)
  })

  it("every entry that is none is a mistake, with its place and without its text", () => {
    const allow = [
      ...["10.0.0.0/8", "", " ", "*", "*.internal", "http://a.internal", "a.internal:80", "a.internal/x"],
      ...[
        "10.0.0.0/33",
        "10.0.0.1/8",
        "fd00::1/8",
        "::ffff:10.0.0.0/104",
        "64:ff9b::/96",
        "10/8",
        "/8",
        "a b",
      ],
      ...["user@a", "[::1", "1.2.3.4/", "::1/129", "a?b", "a#b", "a%", "hooks.internal"],
    ]
    const problems = AddressGuard.allowProblems(allow, "allow")
    expect(problems.map(({ path }) => path)).toEqual(
      allow.slice(1, -1).map((_, index) => `allow[${index + 1}]`),
    )
    expect(problems.map(({ message }) => message).join()).not.toMatch(/internal|104|user/)
  })
})
