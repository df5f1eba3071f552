import { describe, expect, test } from "vitest"
import { fileOf, load, mistakesOf } from "../support/config.ts"

describe("what intake and delivery are told", () => {
  const file = () =>
    fileOf({
      keepFor: "7 days",
      drainDeadline: "20 seconds",
      dedupe: { window: "2 minutes" },
      limits: { bodyBytes: "2 MiB", events: 100, inFlightBytes: "64 MiB" },
      cors: { origins: ["https://shop.example"] },
    })

  test("stands in the file as the library has it", async () => {
    expect(await load({ config: file() })).toMatchObject({
      keepFor: 604_800_000,
      drainDeadline: 20_000,
      dedupe: 120_000,
      limits: { bodyBytes: 2_097_152, events: 100, inFlightBytes: 67_108_864 },
      cors: { origins: ["https://shop.example"] },
    })
    expect((await load({ config: fileOf({ cors: false, limits: { events: 5 } }) })).cors).toBe(false)
    expect((await load({ config: fileOf({ limits: { events: 5 } }) })).limits).toEqual({ events: 5 })
  })

  test("or in flags and variables, which beat the file", async () => {
    const environment = {
      MILLRACE_KEEP_FOR: "0",
      MILLRACE_DRAIN_DEADLINE: "1500",
      MILLRACE_DEDUPE: "30 seconds",
      MILLRACE_MAX_BODY_BYTES: "1 MiB",
      MILLRACE_MAX_EVENTS: "7",
      MILLRACE_MAX_IN_FLIGHT_BYTES: "32 MiB",
      MILLRACE_CORS_ORIGIN: "https://a.example, https://b.example",
    }
    const config = file()
    expect(await load({ config }, environment)).toMatchObject({
      keepFor: 0,
      drainDeadline: 1_500,
      dedupe: 30_000,
      limits: { bodyBytes: 1_048_576, events: 7, inFlightBytes: 33_554_432 },
      cors: { origins: ["https://a.example", "https://b.example"] },
    })
    const cors = async (...corsOrigin: ReadonlyArray<string>) => (await load({ config, corsOrigin })).cors
    expect(await cors("*", "https://a.example")).toEqual({ origins: "*" })
    expect(await cors("none")).toBe(false)
  })

  test("and its mistakes with their places", async () => {
    const config = fileOf(`{
  "keepFor": "for ever",
  "dedupe": { "window": 0 },
  "limits": { "bodyBytes": "1 GiB", "events": 0, "depth": 3 },
  "cors": { "origins": ["shop.example"] },
  "drainDeadline": -1
}`)
    const flags = { corsOrigin: ["none", "https://a.example/path"], maxEvents: "many", dedupe: "0" }
    expect(await mistakesOf({ ...flags, config })).toMatchInlineSnapshot(`
      [
        "--dedupe: expected longer than nothing; leave it out for none",
        "--max-events: expected an integer",
        "--cors-origin: expected an origin, such as https://shop.example, *, or none",
        "config.json:2:3: keepFor: expected a duration like "500 millis" or "3 days"",
        "config.json:3:15: dedupe.window: expected longer than nothing; leave it out for none",
        "config.json:4:15: limits.bodyBytes: expected 100.0 MiB at most",
        "config.json:4:37: limits.events: expected a value greater than or equal to 1",
        "config.json:4:50: limits.depth: unknown key",
        "config.json:5:25: cors.origins[0]: expected an origin, such as https://shop.example",
        "config.json:6:3: drainDeadline: expected a value greater than or equal to 0",
      ]
    `)
  })
})
