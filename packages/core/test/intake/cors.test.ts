import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isOrigin, makeCors, preflightHeaders } from "../../src/intake/cors.ts"

describe("makeCors", () => {
  const allowing = (origin: string) => ({
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    vary: "origin",
  })

  it("allows every page by its own origin: a star is worth nothing to a request with credentials", () => {
    const corsOf = makeCors({ origins: "*" })
    expect(corsOf("https://a.example")).toEqual(allowing("https://a.example"))
    expect(corsOf("https://a.example")).toBe(corsOf("https://a.example"))
    expect(corsOf("null")).toEqual(allowing("null"))
    expect(corsOf(null)).toEqual({ "access-control-allow-origin": "*" })
  })

  it("echoes no origin that no browser sends, nor a long one, and keeps few", () => {
    const corsOf = makeCors({ origins: "*" })
    const star = corsOf(null)
    for (const origin of ["https://a.example, https://b.example", "https://a.example\r\nx: y", "a", ""])
      expect(corsOf(origin)).toBe(star)
    expect(corsOf(`https://${"a".repeat(250)}.example`)).toBe(star)
    const first = corsOf("https://a.example")
    for (let index = 0; index < 256; index++) corsOf(`https://${index}.example`)
    expect(corsOf("https://a.example")).not.toBe(first)
  })

  it("echoes an origin of the list and no other", () => {
    const corsOf = makeCors({ origins: ["https://a.example"] })
    expect(corsOf("https://a.example")).toEqual(allowing("https://a.example"))
    for (const origin of [
      null,
      "null",
      "https://a.example.evil.example",
      "https://A.example",
      "http://a.example",
    ]) {
      expect(corsOf(origin)).toEqual({ vary: "origin" })
    }
  })

  it("says nothing when the host does", () => {
    expect(makeCors(false)("https://a.example")).toEqual({})
    expect(preflightHeaders({}, "x-a", "POST, OPTIONS")).toEqual({})
  })
})

describe("preflightHeaders", () => {
  const allowed = (requested: string | null) =>
    preflightHeaders({ "access-control-allow-origin": "*" }, requested, "POST, OPTIONS")[
      "access-control-allow-headers"
    ]!.split(", ")

  it("allows the known headers and those asked for, once", () => {
    expect(allowed(null)).toHaveLength(8)
    expect(allowed("Content-Type,  X-Request-Service ,statsig-encoded")).toEqual([
      ...allowed(null),
      "x-request-service",
    ])
  })

  it("echoes nothing but names of headers, and not without end", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (requested) => {
        for (const name of allowed(requested)) expect(name).toMatch(/^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/)
      }),
    )
    const many = Array.from({ length: 5000 }, (_, index) => `x-${index}`).join(",")
    expect(allowed(many)).toHaveLength(40)
    expect(allowed(`x-a\r\nset-cookie: a, ${"x".repeat(65)}`)).toEqual(allowed(null))
  })
})

describe("isOrigin", () => {
  it.each(["https://a.example", "http://localhost:3000", "capacitor://localhost", "http://[::1]:80", "null"])(
    "takes %s",
    (text) => {
      expect(isOrigin(text)).toBe(true)
    },
  )
  it.each([
    "",
    "*",
    "a.example",
    "https://a.example/",
    "https://A.example",
    "https://a.example, https://b.example",
  ])("refuses %j", (text) => {
    expect(isOrigin(text)).toBe(false)
  })
})
