import * as Result from "effect/Result"
import { describe, expect, test } from "vitest"
import * as Destination from "../../src/select/Destination.ts"

const url = "https://warehouse.test/hook"

const mistakes = (options: ReadonlyArray<unknown>, hashKey?: Uint8Array): ReadonlyArray<string> => {
  const decoded = Destination.decodeAll(options as ReadonlyArray<Destination.DestinationOptions>, hashKey)
  return Result.isFailure(decoded) ? decoded.failure.map(({ path, message }) => `${path}: ${message}`) : []
}

test("an id and a URL are enough", () => {
  expect(Result.getOrThrow(Destination.decodeAll([{ id: "warehouse", url }]))).toEqual([
    {
      id: "warehouse",
      url,
      enabled: true,
      from: "now",
      filter: {
        categories: {
          exposures: true,
          config_changes: true,
          custom: true,
          auto_capture: true,
          internal: false,
        },
        newCustomEvents: true,
        customEvents: {},
        include: ["*"],
        exclude: [],
        where: null,
        sample: 1,
      },
      fields: { drop: [], keep: null, hash: [] },
      batch: { maxEvents: 500, maxBytes: 1_048_576, maxDelay: 1000 },
      format: "array",
      headers: {},
      compress: null,
      tls: null,
      proxy: null,
      exposures: "statsigMetadata",
      signing: { standardWebhooks: [], statsig: null },
      retry: { first: 1000, max: 3_600_000, giveUpAfter: 604_800_000 },
      rateLimit: { events: null, requests: null },
      timeout: 30_000,
      concurrency: 1,
    },
  ])
})

test("what only code can say is kept beside it", () => {
  const predicate = () => true
  const transform = <A>(event: A) => event
  const [destination] = Result.getOrThrow(Destination.decodeAll([{ id: "a", url, predicate, transform }]))
  expect(destination).toMatchObject({ predicate, transform })
})

test("all mistakes at once, each with its path", () => {
  expect(
    mistakes([
      {
        id: "ok",
        url,
        filter: {
          categories: { exposure: true },
          include: [""],
          where: {
            all: [
              { field: "user.country", eq: "US" },
              { field: "user.age", gt: [18] },
            ],
          },
          sample: 1.5,
        },
        fields: { drop: ["email"], hash: ["timeUUID"] },
      },
      { id: "no id", url: "ftp://x", batch: { maxEvents: 0, maxDelay: "soon" } },
      { id: "ok", url, format: "csv", transform: "x => x" },
      { url, filter: { where: { any: [], all: [] } } },
    ]),
  ).toMatchInlineSnapshot(`
    [
      "destinations[0].filter.categories.exposure: unknown key: did you mean exposures?",
      "destinations[0].filter.include[0]: expected a value with a length of at least 1",
      "destinations[0].filter.where.all[1].gt: expected a number or a string",
      "destinations[0].filter.sample: expected a value between 0 and 1",
      "destinations[0].fields.drop[0]: expected a path that begins with one of eventName, userID, timestamp, value, timeUUID, user, metadata, statsigMetadata",
      "destinations[0].fields.hash[0]: timeUUID goes to every destination as it is",
      "destinations[1].id: expected 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit",
      "destinations[1].url: expected a URL with http or https",
      "destinations[1].batch.maxEvents: expected a value greater than or equal to 1",
      "destinations[1].batch.maxDelay: expected a duration like "500 millis" or "3 days"",
      "destinations[2].format: expected "array", "data", "ndjson", "slack", "discord", "teams" or {"template": ...}",
      "destinations[2].transform: expected a function",
      "destinations[2].id: the same as that of destinations[0]",
      "destinations[3].id: missing",
      "destinations[3].filter.where: expected exactly one of all, any, not and field",
    ]
  `)
})

describe("fields.hash", () => {
  const options = [{ id: "a", url, fields: { hash: ["user.email"] } }]

  test("needs the installation's key", () => {
    expect(mistakes(options)).toEqual(["destinations[0].fields.hash: needs the option hashKey"])
    expect(mistakes(options, new Uint8Array(16))).toEqual([])
  })

  test("which must not be short", () => {
    expect(Destination.hashKeyProblems(undefined)).toEqual([])
    expect(Destination.hashKeyProblems(new Uint8Array(16))).toEqual([])
    expect(Destination.hashKeyProblems(new Uint8Array(15))).toEqual([
      { path: "hashKey", message: "expected 16 bytes at least" },
    ])
  })
})

test("a selection alone has paths of its own", () => {
  const decoded = Destination.decodeSelection({ filter: { sample: -1 }, fields: { hash: ["value"] } })
  expect(Result.isFailure(decoded) && decoded.failure).toEqual([
    { path: "filter.sample", message: "expected a value between 0 and 1" },
  ])
})
