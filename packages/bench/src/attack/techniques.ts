import { gzipSync } from "node:zlib"
import type { Random } from "./random.ts"

/** One request, and how it is sent. */
export interface Shot {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /**
   * How the request is sent.
   *
   * - `whole`: as fast as it goes.
   * - `slow`: the head and a first piece, then a few bytes a second for as long as the server lets
   *   it.
   * - `broken`: half of it, then the connection is reset.
   */
  readonly manner: "whole" | "slow" | "broken"
  /** What `content-length` claims, when that is not the truth. */
  readonly claims?: number
}

/** How somebody who has nothing but the public client key may try to do harm. */
export interface Technique {
  readonly name: string
  /** How often it is drawn, beside the others. */
  readonly weight: number
  readonly shot: (random: Random, key: string) => Shot
}

const rgstr = (key: string) => `/v1/rgstr?k=${key}&st=js-client`
const logEvent = "/v1/log_event"

const sent = (path: string, body: Buffer | string, headers: Shot["headers"] = {}): Shot => ({
  path,
  headers,
  body: Buffer.from(body),
  manner: "whole",
})

const events = (count: number, make: (index: number) => unknown, rest: object = {}): string =>
  JSON.stringify({ events: Array.from({ length: count }, (_, index) => make(index)), ...rest })

const user = { userID: "u" }
const event = (eventName: string, fields: object = {}) => ({ eventName, user, time: Date.now(), ...fields })

const repeated = (unit: string, times: number, before = "", after = ""): string =>
  `${before}${Array.from({ length: times }, () => unit).join(",")}${after}`

/**
 * Makes blocks of 16 bytes that hold next to nothing: a decoder prepares its tables for each anew.
 */
const zstdOfEmptyBlocks = (blocks: number): Buffer => {
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00])
  const empty = Buffer.alloc(3 * blocks)
  if (blocks > 0) empty[3 * (blocks - 1)] = 1
  return Buffer.concat([frame, empty])
}

/** Keys in an order that no body had before. */
const shuffledEvent = (random: Random, index: number) => {
  const fields = Object.entries(event(`shape_${index % 7}`, { value: index, metadata: { a: 1 }, x: {} }))
  const extra = Array.from({ length: 1 + random.below(6) }, () => [random.text(5), random.below(9)] as const)
  return Object.fromEntries([...fields, ...extra].sort(() => random.below(3) - 1))
}

const mutated = (random: Random, text: string): Buffer => {
  const bytes = Buffer.from(text)
  for (let change = 0; change <= random.below(4); change++) {
    bytes[random.below(bytes.length)] = random.pick([0, 0x22, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d, 0x5c, 0xff, 0x31])
  }
  return bytes
}

/** Bodies that are cheap to send and are made once. */
const bombs = {
  emptyObjects: gzipSync(repeated("{}", 3_400_000, '{"events":[', "]}")),
  spaces: gzipSync(Buffer.alloc(10 * 1024 * 1024, 0x20)),
  tooLarge: gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20)),
  blocks: zstdOfEmptyBlocks(60_000),
  declared: Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]),
}

export const techniques: ReadonlyArray<Technique> = [
  {
    name: "a long name each",
    weight: 8,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(1, () => event(random.text(9_000))),
      ),
  },
  {
    name: "long names by the hundred",
    weight: 2,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(100, () => event(random.text(1_000))),
      ),
  },
  {
    name: "a thousand new names",
    weight: 3,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(1_000, () => event(random.text(12))),
      ),
  },
  {
    name: "long user ids",
    weight: 3,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(3, () =>
          event("u", { user: { userID: random.text(30_000), customIDs: { [random.text(9)]: "x" } } }),
        ),
      ),
  },
  {
    name: "facts that every event repeats",
    weight: 3,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(10_000, () => ({ eventName: "a" }), { statsigMetadata: { pad: random.text(60_000) } }),
      ),
  },
  {
    name: "a request's user that every event repeats",
    weight: 2,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(2_000, () => ({ eventName: "a" }), { user: { userID: random.text(16_000) } }),
      ),
  },
  {
    name: "headers as facts",
    weight: 2,
    shot: (random, key) =>
      sent(
        logEvent,
        events(2_000, () => ({ eventName: "a" })),
        {
          "statsig-api-key": key,
          "statsig-sdk-type": random.text(12_000),
          "statsig-sdk-version": "1",
        },
      ),
  },
  {
    name: "ten thousand refused events",
    weight: 2,
    shot: (_random, key) => sent(rgstr(key), repeated("{}", 10_000, '{"events":[', "]}")),
  },
  {
    name: "refused events of a kilobyte",
    weight: 1,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(10_000, () => ({ pad: random.text(100) })),
      ),
  },
  {
    name: "millions of empty objects in ten kilobytes",
    weight: 2,
    shot: (_random, key) => sent(rgstr(key), bombs.emptyObjects, { "content-encoding": "gzip" }),
  },
  {
    name: "gzip of ten megabytes",
    weight: 2,
    shot: (_random, key) => sent(rgstr(key), bombs.spaces),
  },
  {
    name: "gzip of more than is allowed",
    weight: 2,
    shot: (_random, key) => sent(rgstr(key), bombs.tooLarge),
  },
  {
    name: "zstd of empty blocks",
    weight: 2,
    shot: (_random, key) => sent(rgstr(key), bombs.blocks, { "content-encoding": "zstd" }),
  },
  {
    name: "zstd that claims a gigabyte",
    weight: 2,
    shot: (_random, key) => sent(rgstr(key), bombs.declared, { "content-encoding": "zstd" }),
  },
  {
    name: "deep nesting",
    weight: 2,
    shot: (_random, key) =>
      sent(
        rgstr(key),
        `{"events":[{"eventName":"a","metadata":${"[".repeat(90_000)}${"]".repeat(90_000)}}]}`,
      ),
  },
  {
    name: "absurd times and numbers",
    weight: 2,
    shot: (random, key) =>
      sent(
        rgstr(key),
        `{"events":[{"eventName":"t","time":${random.pick(["1e24", "1e300", "-1e300", "9007199254740993", "1e-300"])},"value":${"9".repeat(5_000)}}]}`,
      ),
  },
  {
    name: "private attributes spelled with escapes",
    weight: 2,
    shot: (_random, key) =>
      sent(
        rgstr(key),
        repeated(
          '{"eventName":"p","user":{"userID":"u","privateAttribute\\u0073":{"secret":"hidden"}}}',
          500,
          '{"events":[',
          "]}",
        ),
      ),
  },
  {
    name: "shapes that no body had before",
    weight: 4,
    shot: (random, key) =>
      sent(
        rgstr(key),
        events(100, (index) => shuffledEvent(random, index)),
      ),
  },
  {
    name: "damaged bodies",
    weight: 6,
    shot: (random, key) =>
      sent(
        rgstr(key),
        mutated(
          random,
          events(20, (index) => event(`m_${index}`, { value: 1 })),
        ),
      ),
  },
  {
    name: "wrong keys",
    weight: 6,
    shot: (random) =>
      sent(
        logEvent,
        events(1, () => event("k")),
        { "statsig-api-key": random.text(2_000) },
      ),
  },
  {
    name: "a large body of usual events",
    weight: 1,
    shot: (_random, key) =>
      sent(
        rgstr(key),
        events(8_000, (index) => event("bulk", { value: index })),
      ),
  },
  {
    name: "exceptions without a key",
    weight: 4,
    shot: (random) => sent("/v1/sdk_exception", JSON.stringify({ exception: random.text(60_000) })),
  },
  {
    name: "slow uploads of ten megabytes",
    weight: 6,
    shot: (_random, key) => ({
      ...sent(rgstr(key), Buffer.alloc(64 * 1024, 0x20)),
      manner: "slow",
      claims: 10 * 1024 * 1024,
    }),
  },
  {
    name: "slow exceptions without a key",
    weight: 3,
    shot: () => ({
      ...sent("/v1/sdk_exception", Buffer.alloc(16 * 1024, 0x20)),
      manner: "slow",
      claims: 64 * 1024,
    }),
  },
  {
    name: "uploads that break off",
    weight: 4,
    shot: (_random, key) => ({
      ...sent(
        rgstr(key),
        events(200, () => event("broken")),
      ),
      manner: "broken",
    }),
  },
]
