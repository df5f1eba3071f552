import { Destination } from "@millrace/core"
import * as Result from "effect/Result"
import { expect, it } from "vitest"
import { optionsOf } from "../../../web/logic/settings.ts"

const optionsFor = (more = {}) => {
  const decoded = Destination.decode({ id: "billing", url: "https://example.com/hook", ...more })
  return Object.fromEntries(optionsOf(Result.getOrThrow(decoded)).map(({ name, value }) => [name, value]))
}

it("spells out what a destination has that says only where it is", () => {
  expect(optionsFor()).toEqual({
    "Webhook URL": "https://example.com/hook",
    Batch: "500 events, 1 MiB or 1 s",
    Format: "a bare JSON array",
    Exposures: "details in statsigMetadata",
    Retries: "1 s to 1 h, back-off with jitter; Retry-After wins",
    "Time for a reply": "30 s",
    "Rate limit": "none",
    "Requests at once": "1",
    Compression: "none",
    "Began with": "what came from then on",
  })
})

it("names headers, and never what is in them", () => {
  const headers = { authorization: "Bearer secret" }
  const options = optionsFor({
    headers,
    format: { template: { text: "{{ eventName }}" } },
    rateLimit: { events: 400 },
  })
  expect(options).toMatchObject({
    Headers: "authorization",
    Format: "a template",
    "Rate limit": "400 events a second",
  })
  expect(JSON.stringify(options)).not.toContain("secret")
})
