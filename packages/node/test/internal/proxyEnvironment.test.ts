import { describe, expect, it } from "vitest"
import { readEnvironment } from "../../src/internal/proxyEnvironment.ts"

const both = { HTTPS_PROXY: "http://secure.example:1", HTTP_PROXY: "http://plain.example:2" }

describe("the proxy of the environment", () => {
  it.each([
    [{}, "https://a.example/", null],
    [both, "https://a.example/", "http://secure.example:1"],
    [both, "http://a.example/", "http://plain.example:2"],
    [{ HTTPS_PROXY: "http://one.example" }, "http://a.example/", null],
    [{ ...both, https_proxy: "http://lower.example" }, "https://a.example/", "http://lower.example"],
    [{ ...both, https_proxy: "" }, "https://a.example/", "http://secure.example:1"],
    [{ HTTPS_PROXY: "" }, "https://a.example/", null],
  ])("of %j for %s is %s", (environment, url, proxy) => {
    expect(readEnvironment(environment)(new URL(url))).toBe(proxy)
  })

  it.each([
    ["*", "https://a.example/", true],
    ["a.example", "https://a.example/", true],
    ["A.Example.", "https://a.example/", true],
    ["a.example", "https://b.a.example/", true],
    [".a.example", "https://b.a.example/", true],
    ["*.a.example", "https://b.a.example/", true],
    ["a.example", "https://aa.example/", false],
    ["a.example", "https://a.example.org/", false],
    ["b.example, a.example", "https://a.example/", true],
    ["b.example a.example", "https://a.example/", true],
    ["a.example:443", "https://a.example/", true],
    ["a.example:443", "https://a.example:8443/", false],
    ["a.example:8443", "https://a.example:8443/", true],
    ["192.0.2.1", "https://192.0.2.1/", true],
    ["192.0.2.1", "https://192.0.2.11/", false],
    ["192.0.2.0/24", "https://192.0.2.11/", true],
    ["192.0.2.0/24", "https://192.0.3.11/", false],
    ["::1", "https://[::1]/", true],
    ["[::1]", "https://[::1]:8443/", true],
    ["fd00::/8", "https://[fd12::1]/", true],
    [", ,", "https://a.example/", false],
  ])("NO_PROXY=%j, %s: exempt is %s", (list, url, isExempt) => {
    for (const name of ["NO_PROXY", "no_proxy"]) {
      const proxyOf = readEnvironment({ ...both, [name]: list })
      expect(proxyOf(new URL(url)) === null).toBe(isExempt)
    }
  })
})
