import { gzipSync } from "node:zlib"
import { event } from "../requests.ts"

/** The largest body that is taken by default, and a little less. */
const bytes = 10_000_000

const repeated = (unit: string, times: number): string => `${`${unit},`.repeat(times - 1)}${unit}`

const eventsOf = (list: string, rest = ""): Buffer => Buffer.from(`{"events":[${list}]${rest}}`)

const filled = (unit: string, rest = ""): Buffer =>
  eventsOf(repeated(unit, Math.min(10_000, Math.floor(bytes / (unit.length + 1)))), rest)

const padding = "x".repeat(700)
const usual = (n: number, fields: object = {}): string =>
  JSON.stringify({ ...event(n, { padding: 700 }), ...fields })
const usualEvents = (count: number): string => Array.from({ length: count }, (_, n) => usual(n)).join(",")

const single = (value: string): Buffer => eventsOf(`{"eventName":"e","metadata":{"a":${value}}}`)

/** Each key twice in each event of a kilobyte. */
const twice = (): Buffer => {
  const members = Array.from({ length: 45 }, (_, n) => `"k${n}":${n}`).join(",")
  return filled(`{"eventName":"e","eventName":"e","metadata":{${members},${members}}}`)
}

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`

/** What a sender may make of a body, with as much of it as is let in. */
export const bodies: Readonly<Record<string, () => Buffer>> = {
  "10,000 usual events": () => eventsOf(usualEvents(9_700)),
  "10,000 usual events, gzip": () => gzipSync(eventsOf(usualEvents(9_700))),
  "one refused among 9,700": () => eventsOf(`${usualEvents(9_699)},{}`),
  "10,000 refused of 1 KB": () => filled(`{"pad":"${padding}${"y".repeat(280)}"}`),
  "10,000 refused of 1 KB in keys": () =>
    filled(`{"pad":{${Array.from({ length: 60 }, (_, n) => `"key_${n}":${n}`).join(",")}}}`),
  "every key twice": twice,
  "every key twice, one event of 1 MB": () => {
    const members = Array.from({ length: 40_000 }, (_, n) => `"k${n}":1`).join(",")
    return eventsOf(`{"eventName":"e","metadata":{${members},${members}}}`)
  },
  "20,000 keys that are all different, one event": () => {
    const members = Array.from({ length: 20_000 }, (_, n) => `"k${n}":1`).join(",")
    return eventsOf(`{"eventName":"e","metadata":{${members}},"time":1e3}`)
  },
  "60,000 keys that are all different": () =>
    eventsOf(
      Array.from({ length: 1000 }, (_, event) => {
        const members = Array.from({ length: 60 }, (_, n) => `"k${event}_${n}":1`).join(",")
        return `{"eventName":"e","time":1e3,"metadata":{${members}}}`
      }).join(","),
    ),
  "nested as deep as it may be": () => filled(`{"eventName":"e","time":1e3,"metadata":${nested(58)}}`),
  "all escapes": () => filled(`{"eventName":"e","time":1e3,"value":"${"\\u0061".repeat(160)}"}`),
  "all escapes, one event": () => single(`"${"\\n".repeat(bytes / 2 - 100)}","b":1e3`),
  "one huge string": () => single(`"${"x".repeat(bytes - 100)}"`),
  "one huge string, parsed": () => single(`"${"x".repeat(bytes - 100)}","b":1e3`),
  "one huge string, not ASCII": () => single(`"${"ü".repeat(bytes / 2 - 100)}","b":1e3`),
  "one event with a 1 MB value": () =>
    eventsOf(`${usualEvents(8000)},${usual(1, { value: "v".repeat(1_000_000) })}`),
  "one event with a 1 MB value, parsed": () =>
    eventsOf(`${usualEvents(8000)},${usual(1, { value: "v".repeat(1_000_000), time: "2026-11-01" })}`),
  "3.4 million {}": () => single(`[${repeated("{}", 3_300_000)}]`),
  "3.4 million {}, gzip": () => gzipSync(single(`[${repeated("{}", 3_300_000)}]`)),
  "900,000 {} in 100 events": () =>
    eventsOf(repeated(`{"eventName":"e","time":1e3,"metadata":{"a":[${repeated("{}", 4_500)}]}}`, 100)),
  "4.9 million zeros in 1,000 events": () =>
    eventsOf(repeated(`{"eventName":"e","metadata":{"a":[${repeated("0", 4_900)}]}}`, 1000)),
  "huge numbers": () => filled(`{"eventName":"e","value":1${"0".repeat(950)}}`),
  "one huge number": () => eventsOf(`{"eventName":"e","value":${"9".repeat(bytes - 100)}}`),
  "infinite numbers": () => filled(`{"eventName":"e","metadata":{"a":[${repeated("1e999", 160)}]}}`),
  "private attributes everywhere": () =>
    filled(
      `{"eventName":"e","user":{"userID":"u","privateAttributes":{"a":1}},"metadata":[${repeated('{"privateAttributes":1}', 35)}]}`.replace(
        '"metadata":[',
        '"x":[',
      ),
    ),
  "NaN everywhere": () => filled(`{"eventName":"e","metadata":{"a":[${repeated("NaN", 240)}]}}`),
  "one NaN": () => eventsOf(`${usualEvents(9_699)},${usual(1).replace('"home"', "NaN")}`),
  "not UTF-8": () => {
    const body = eventsOf(usualEvents(9_700))
    for (let at = body.indexOf("xxx"); at > 0; at = body.indexOf("xxx", at + 3)) body[at] = 0xff
    return body
  },
  "not ASCII": () => filled(`{"eventName":"e","value":"${"ü".repeat(480)}"}`),
  "times as text": () =>
    eventsOf(Array.from({ length: 9_700 }, (_, n) => usual(n, { time: "2026-11-01T10:00:00Z" })).join(",")),
  "10 MB beside the events": () =>
    eventsOf('{"eventName":"e"}', `,"x":[${repeated('{"a":"bbbbbbbbbbbbbbbb"}', 250_000)}]`),
  spaces: () =>
    Buffer.concat([
      Buffer.from(`{"events":[{"eventName":"e","time":1e3}`),
      Buffer.alloc(bytes - 100, 0x20),
      Buffer.from("]}"),
    ]),
}
