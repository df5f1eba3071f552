import { describe, expect, it } from "vitest"
import { isPrivateHost, judge, nameFor, nameProblem } from "../../../web/logic/webhookUrl.ts"

describe("the URL of a webhook, while it is typed", () => {
  it.each([
    ["", null, "takes POST"],
    ["ftp://example.com", "dead", "Expected a URL with http or https."],
    ["example.com/events", "dead", "Expected a URL with http or https."],
    ["https://", "dead", "Expected a URL with http or https."],
    ["http://127.0.0.1:9000/", "wait", "--allow-private-destinations"],
    ["https://[::1]/", "wait", "--allow-private-destinations"],
    ["https://0x7f.1/", "wait", "--allow-private-destinations"],
    ["http://example.com/events", "wait", "Without TLS"],
    ["https://example.com/events", null, "Send a test event"],
  ])("%s", (text, tone, said) => {
    const judged = judge(text)
    expect(judged.tone).toBe(tone)
    expect(judged.text).toContain(said)
  })

  it("resolves only where a delivery has said so", () => {
    expect(judge("https://example.com/", "203.0.113.9").text).toBe(
      "Resolves to 203.0.113.9, a public address.",
    )
    expect(judge("https://example.com/", "10.0.0.1").text).not.toContain("public")
  })
})

it("knows private networks from those beside them", () => {
  const hosts = [
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.1",
    "192.168.0.1",
    "169.254.1.1",
    "localhost",
    "a.internal",
    "[fe80::1]",
  ]
  expect(hosts.filter(isPrivateHost)).toEqual(hosts)
  const others = [
    "11.1.2.3",
    "172.15.0.1",
    "172.32.0.1",
    "193.168.0.1",
    "10.example.com",
    "localhost.example.com",
  ]
  expect(others.filter(isPrivateHost)).toEqual([])
})

it("finds a name in a host, and another where that is taken", () => {
  expect(nameFor("https://hooks.lantern-bi.example/ingest", [])).toBe("lantern-bi")
  expect(nameFor("https://api.acme.co/x", ["acme"])).toBe("acme-2")
  expect(nameFor("http://127.0.0.1:9000/", [])).toBe("webhook")
  expect(nameFor("not yet", [])).toBe("")
})

it("says what is no name", () => {
  expect(nameProblem("billing", ["crm"])).toBeNull()
  expect(nameProblem("crm", ["crm"])).toBe("There is a destination of this name.")
  expect(nameProblem("intake", [])).toContain("refused on arrival")
  expect(nameProblem("-x", [])).toContain("Expected 1 to 64")
})
