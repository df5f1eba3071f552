import * as fc from "fast-check"
import type { WebhookEvent } from "../../../src/select/WebhookEvent.ts"

export const event = (change: Partial<WebhookEvent> = {}): WebhookEvent => ({
  eventName: "purchase",
  user: { userID: "u1" },
  userID: "u1",
  timestamp: Date.UTC(2026, 10, 29, 18, 50, 1, 999),
  value: "",
  metadata: {},
  statsigMetadata: {},
  timeUUID: "f4c414a0-8aa5-11ec-a8a3-0242ac120002",
  ...change,
})

/** Names that mean something to one of the tools, or to a screen. */
const nasty = [
  "<!channel>",
  "<!here|here>",
  "<@U012AB3CD>",
  "<https://evil.test|click>",
  "&lt;!channel&gt; &amp;",
  "@everyone",
  "@here",
  "<@&123>",
  "<t:0:R>",
  "*bold* _italic_ ~struck~ `code` **b** __u__ ~~s~~ ||hidden||",
  "[click](https://evil.test)",
  "https://evil.test",
  ":tada:",
  "# heading",
  "-# small",
  "> quote",
  "- item",
  "1. item",
  "```js\nevil()\n```",
  "\\",
  "\\*",
  "<at>Somebody</at>",
  "{{DATE(2026-11-29T00:00:00Z, SHORT)}} {{{{TIME(",
  "\u202egpj.exe",
  "\u2066hidden\u2069",
  "zero\u200bwidth\u200d\ufeff",
  "a\0b\u0007c\u001b[31m\r\n\tnext\u2028line\u0085",
  "\ud800",
  "\udc00a\ud800",
  " ",
  "\u200b",
  ...["x", "&", "<", "*", "{", "\\", "😀", "\ud800", "\u202e", "\n", "é"].map((one) => one.repeat(10_000)),
]

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...nasty),
  fc
    .array(fc.constantFrom(...nasty.filter(({ length }) => length < 100)), { maxLength: 5 })
    .map((all) => all.join("")),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 })
    .map((units) => String.fromCharCode(...units)),
)

const timestamp = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 42 }),
  fc.constantFrom(-1, 8.64e15, 8.64e15 + 1, -8.64e15, 1e300, Number.MAX_SAFE_INTEGER),
)

export const hostileBatch: fc.Arbitrary<ReadonlyArray<WebhookEvent>> = fc.array(
  fc.record({ eventName: hostileText, userID: hostileText, timestamp }).map(event),
  { maxLength: 30 },
)

/** Every text that stands anywhere in a value, keys left out. */
export const textsIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : []
}
