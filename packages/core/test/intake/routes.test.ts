import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  makeMatchRoute,
  matchRoute,
  type OwnPaths,
  ownPathProblems,
  paths,
  pathsWith,
  queryOf,
} from "../../src/intake/routes.ts"

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

describe("paths of the user's own", () => {
  const own: OwnPaths = {
    log_event: ["/v1/my-data", "/search"],
    event_webhook: ["/from-statsig"],
    sdk_exception: ["/v1/oops"],
  }
  const match = makeMatchRoute(own)

  it("are found under any prefix, as ours are, with a trailing slash and a query", () => {
    const names = {
      "v1/my-data": "log_event",
      search: "log_event",
      "from-statsig": "event_webhook",
      "v1/oops": "exception",
      rgstr: "log_event",
      "webhooks/event_webhook": "event_webhook",
    }
    const some = fc.constantFrom(...(Object.keys(names) as ReadonlyArray<keyof typeof names>))
    fc.assert(
      fc.property(
        authority,
        prefix,
        some,
        fc.constantFrom("", "/"),
        query,
        (host, parts, path, end, search) => {
          const url = `${host}${[...parts, path].map((part) => `/${part}`).join("")}${end}${search}`
          expect(match(url)?.name).toBe(names[path])
        },
      ),
    )
  })

  it.each([
    "/my-data",
    "/v1/my-data/more",
    "/v1/my-datas",
    "/research",
    "/Search",
    "/v1//my-data",
    "/%73earch",
    "/?/search",
    "/webhooks",
    "search",
    "",
  ])("are not found in %j", (url) => {
    expect(match(url)).toBeNull()
  })

  it("are listed behind ours, each once", () => {
    expect(pathsWith({ ...own, log_event: ["/search", "/log_event"] })).toEqual([
      ...paths,
      "search",
      "from-statsig",
      "v1/oops",
    ])
  })

  it("are refused with their place where they can be none, or are another's", () => {
    const problems = (paths: OwnPaths) => ownPathProblems(paths).map(({ path }) => path)
    expect(problems(own)).toEqual([])
    const odd = [
      "",
      "/",
      "search",
      "/a b",
      "/a?b",
      "/a//b",
      "/a/",
      "/:name",
      "/*",
      "/ü",
      `/${"a".repeat(256)}`,
    ]
    expect(problems({ log_event: odd })).toEqual(odd.map((_, index) => `paths.log_event[${index}]`))
    expect(ownPathProblems({ log_event: ["/a", "/v1/sdk_exception"], sdk_exception: ["/a"] })).toEqual([
      { path: "paths.log_event[1]", message: "is a path of sdk_exception" },
      { path: "paths.sdk_exception[0]", message: "is paths.log_event[0], too" },
    ])
    expect(problems({ log_events: ["/a"] } as OwnPaths)).toEqual(["paths.log_events"])
    const many = Array.from({ length: 100 }, (_, index) => `/path-${index}`)
    expect(problems({ log_event: many })).toEqual(["paths"])
  })
})
