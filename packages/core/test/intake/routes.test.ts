import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { matchRoute, paths, queryOf } from "../../src/intake/routes.ts"

const segments = {
  log_event: "log_event",
  rgstr: "log_event",
  rgstr_b: "log_event",
  log_event_beacon: "log_event",
  "webhooks/event_webhook": "event_webhook",
  sdk_exception: "exception",
  rgstr_e: "exception",
}

const known = fc.constantFrom(...(Object.keys(segments) as ReadonlyArray<keyof typeof segments>))
const slashes = fc.constantFrom("/", "//")
const prefix = fc.array(fc.stringMatching(/^[\w.~%:@-]{1,8}$/), { maxLength: 3 })
const query = fc.constantFrom("", "?", "?k=a/b", "?/x?y/webhooks/z")
const authority = fc.constantFrom("", "http://host", "https://user@host:80", "HTTP://[::1]")

it("paths are all that are routed", () => {
  expect(paths).toEqual(Object.keys(segments))
})

describe("matchRoute", () => {
  it("finds a route under any prefix, with doubled slashes and a trailing one", () => {
    fc.assert(
      fc.property(
        authority,
        prefix,
        known,
        slashes,
        fc.constantFrom("", "/", "//"),
        query,
        (host, parts, path, slash, end, search) => {
          const url = `${host}${[...parts, ...path.split("/")].map((part) => slash + part).join("")}${end}${search}`
          expect(matchRoute(url)?.name).toBe(segments[path])
        },
      ),
    )
  })

  it.each([
    "",
    "/",
    "//",
    "*",
    "?",
    "/?/v1/log_event",
    "/v1/Log_Event",
    "/v1/LOG_EVENT",
    "/v1/log%5Fevent",
    "/v1/log_event%2F",
    "/v1/xlog_event",
    "/v1/log_event2",
    "/v1/log_event/x",
    "/v1/log_event;a=b",
    "/v1/event_webhook",
    "/event_webhook",
    "event_webhook",
    "/v1/xwebhooks/event_webhook",
    "/v1/webhooks/x/event_webhook",
    "/v1/webhooks/Event_webhook",
    "/v1/webhooks",
    "http://log_event",
    "http://log_event/",
    "http://log_event?/v1/log_event",
    "http://webhooks/event_webhook",
    "http://host",
    "/constructor",
    "/__proto__",
  ])("does not know %j", (url) => {
    expect(matchRoute(url)).toBeNull()
  })

  it("takes a path whose prefix the host has taken away, slash and all", () => {
    expect(matchRoute("log_event")?.name).toBe("log_event")
    expect(matchRoute("webhooks/event_webhook")?.name).toBe("event_webhook")
  })

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("/", "?", ":", "log_event", "webhooks", "event_webhook", "a") }),
        (url) => {
          expect([null, "log_event", "event_webhook", "exception"]).toContain(matchRoute(url)?.name ?? null)
        },
      ),
    )
  })
})

describe("queryOf", () => {
  it("reads what follows the first question mark", () => {
    expect(queryOf("/v1/rgstr")).toBeNull()
    expect(queryOf("/v1/rgstr?")).toBeNull()
    expect(queryOf("/v1/rgstr?k=a%2Db&t=1?2")?.get("k")).toBe("a-b")
    expect(queryOf("http://host/v1/rgstr?k=a")?.get("k")).toBe("a")
  })
})
