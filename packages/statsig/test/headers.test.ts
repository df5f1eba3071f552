import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { replyHeaders } from "../src/replyHeaders.ts"
import { requestHeaders } from "../src/requestHeaders.ts"

const names = fc.oneof(
  fc.constantFrom(
    ...[
      "cookie",
      "set-cookie",
      "authorization",
      "proxy-authorization",
      "host",
      "connection",
      "te",
      "upgrade",
    ],
    ...[
      "transfer-encoding",
      "content-length",
      "keep-alive",
      "trailer",
      "x-forwarded-for",
      "forwarded",
      "via",
    ],
    ...["content-type", "content-encoding", "accept-encoding", "user-agent", "if-none-match", "etag"],
    ...[
      "statsig-api-key",
      "statsig-x",
      "x-statsig-region",
      "statsig",
      "x-statsig",
      "millrace-relay",
      "location",
    ],
  ),
  fc.stringMatching(/^[a-z-]{1,20}$/),
)
const values = fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 }), fc.constant("a\r\nb: c"))
const headers = fc.dictionary(names, values)

describe("headers", () => {
  it("that go on are a few and those of Statsig's, each one line", () => {
    fc.assert(
      fc.property(headers, fc.boolean(), (given, inflated) => {
        for (const [name, value] of Object.entries(requestHeaders(given, inflated))) {
          expect(name).toMatch(
            /^(statsig-.*|content-type|content-encoding|accept-encoding|user-agent|if-none-match)$/,
          )
          expect(value).not.toMatch(/[\r\n\0]/)
          expect([given[name]].flat().join(", ")).toBe(value)
        }
      }),
    )
  })

  it("that come back are a few and those of Statsig's, each one line", () => {
    fc.assert(
      fc.property(headers, (given) => {
        for (const [name, value] of Object.entries(replyHeaders(given))) {
          expect(name).toMatch(/^(x-statsig-.*|content-type|content-encoding|etag|last-modified)$/)
          expect(value).not.toMatch(/[\r\n\0]/)
        }
      }),
    )
  })

  it("of a body that the host has decompressed do not say that it is compressed", () => {
    const given = { "content-encoding": "gzip", "content-type": "application/json" }
    expect(requestHeaders(given, true)).toEqual({ "content-type": "application/json" })
    expect(requestHeaders(given, false)).toEqual(given)
  })
})
