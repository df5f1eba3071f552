import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { open, otherKey, run, serverKey } from "./support/script.ts"

const segments = fc.array(
  fc.oneof(
    fc.constantFrom(
      ...[
        "v1",
        "v2",
        "v3",
        "initialize",
        "download_config_specs",
        "get_id_lists",
        "check_gate",
        "get_config",
      ],
      ...["get_layer", "log_event", "..", ".", "%2e%2e", "%2f", "secret-1.json", "secret-2.json", "x.json"],
      ...["http:", "evil.example", "@evil.example", "initialize%0d%0aHost:%20evil", "\\", "initialize;x"],
    ),
    fc.stringMatching(/^[!-~]{0,8}$/),
  ),
  { minLength: 1, maxLength: 5 },
)
/** Half of them end as a route does. */
const paths = fc
  .tuple(
    segments,
    fc.constantFrom(
      ...["", "", "", "/initialize", "/get_layer", "/v2/download_config_specs", "/v2/initialize"],
      ...[
        "/download_config_specs/secret-1.json",
        "/v2/download_config_specs/secret%2D2.json",
        "/get_id_lists/",
      ],
    ),
  )
  .map(([parts, end]) => `/${parts.join("/")}${end}`)
const queries = fc.oneof(
  fc.constantFrom("", "?", "?k=secret-1", "?k=secret-2", "?sinceTime=5", "?x=http://evil.example/", "?a#b"),
  fc.stringMatching(/^\?[!-~]{0,20}$/),
)
const origins = fc.constantFrom("", "http://evil.example", "https://evil.example:1")
const keys = fc.constantFrom(serverKey, serverKey, otherKey, "", "", "secret-9", "../x")

/** Statsig's own hosts, and what is asked for there. */
const host = /^https:\/\/(api\.statsig\.com|api\.statsigcdn\.com)$/
const path =
  /^\/v1\/(initialize|get_id_lists|check_gate|get_config|get_layer|download_config_specs(\/secret-[12]\.json)?)(\?.*)?$|^\/v2\/download_config_specs(\/secret-[12]\.json)?(\?.*)?$/

it("whatever is asked for, only what is in the table is sent, to the hosts that are set, with a known key", () =>
  run(
    Effect.gen(function* () {
      const { sent, ask } = yield* open()
      let some = 0
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            fc.constantFrom("GET", "GET", "POST", "POST", "POST", "PUT", "HEAD", "CONNECT"),
            origins,
            paths,
            queries,
            keys,
            async (method, origin, where, query, key) => {
              sent.length = 0
              const url = `${origin}${where}${query}`
              await Effect.runPromise(
                ask(method, url, { "statsig-api-key": key, host: "evil.example" }, "{}"),
              )
              some += sent.length
              for (const request of sent) {
                expect(request.origin).toMatch(host)
                expect(request.path).toMatch(path)
                expect(request.method).toBe(method)
                expect(Object.keys(request.headers)).not.toContain("host")
                expect([serverKey, otherKey, undefined]).toContain(request.headers["statsig-api-key"])
              }
            },
          ),
          { numRuns: 2_000 },
        ),
      )
      expect(some).toBeGreaterThan(50)
    }),
  ))
