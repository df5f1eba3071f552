import { describe, expect, it } from "vitest"
import * as LetterEvent from "../src/entry/deadLetterEvent.ts"
import type { DecodedEntry } from "../src/entry/Entry.ts"
import type * as Wire from "../src/intake/Wire.ts"
import { type ExportOptions, rule, textExporter } from "../src/select/Export.ts"
import { decodeText, entryOf, plainHttp, read, receivedAt, refused, sdk, webhook } from "./support/wire.ts"

const noFields = { drop: [], keep: null, hash: [] }

const hash = (text: string): string => `hash of ${text}`

const sent = (entry: DecodedEntry, options: Partial<ExportOptions> = {}): ReadonlyArray<string> => {
  const toText = textExporter(
    entry,
    rule({ exposures: "statsigMetadata", fields: noFields, ...options }, hash),
  )
  return entry.events.map((event, index) => String(toText(event, index)))
}

const through = (
  head: Wire.WireHead,
  text: string,
  options: Partial<ExportOptions> = {},
): ReadonlyArray<string> => sent(read(entryOf(decodeText(head, text))), options)

const big = "1234567890123456789"
const user = `{"userID":${big},"custom":{"share":1.50,"tiny":1e-7,"order":${big}}}`
const metadata = `{"order":${big},"price":1.0,"nested":[{"exact":0.12345678901234567890}]}`
const eventOf = (name: string): string =>
  `{"eventName":"${name}","user":${user},"time":${receivedAt},"value":${big},"metadata":${metadata}}`
const event = eventOf("big")

/** What may stand beside it, or around it, that makes a body an unusual one. */
const bodies: ReadonlyArray<readonly [string, Wire.WireHead, string]> = [
  ["alone", sdk, `{"events":[${event}]}`],
  ["strictly checked", { ...plainHttp, validation: "lenient" }, `{"events":[${event}]}`],
  ["beside an event that is refused", sdk, `{"events":[{},${event},{"eventName":5}]}`],
  ["beside a key with an escape", sdk, `{"events":[${event},{"eventName":"x","metadata":{"\\u00e9":1}}]}`],
  ["beside a name with an escape", sdk, `{"events":[${event},{"eventName":"\\u00e9"}]}`],
  ["beside an exponent", sdk, `{"events":[${event},{"eventName":"x","value":1e3}]}`],
  ["beside a number that is infinite", sdk, `{"events":[${event},{"eventName":"x","value":1e999}]}`],
  ["beside a bare number", sdk, `{"events":[${event},{"eventName":"x","value":NaN}]}`],
  ["beside private attributes", sdk, `{"events":[${event}],"user":{"privateAttributes":{"a":1}}}`],
  ["beside a key that comes twice", sdk, `{"events":[${event},{"eventName":"x","metadata":{"k":1,"k":2}}]}`],
  ["beside a request-level user that is none", sdk, `{"events":[${event}],"user":"u"}`],
  ["behind a byte order mark", sdk, `\ufeff{"events":[${event}]}`],
  ["by itself at event_webhook", webhook, event.replace('"eventName"', '"event"')],
  ["in a list at event_webhook", webhook, `[${event}]`],
  ["as `data` at event_webhook", webhook, `{"data":[${event}]}`],
  ["as `events` of an SDK at event_webhook", { ...webhook, sdkType: "x" }, `{"events":[${event}]}`],
]

describe("what leaves has its digits as they came", () => {
  it.each(bodies)("%s", (_, head, text) => {
    const exported = through(head, text).find((json) => json.includes('"big"'))
    expect(exported).toContain(`"eventName":"big","user":${user},"userID":"${big}"`)
    expect(exported).toContain(`"value":"${big}","metadata":${metadata}`)
  })

  it.each(bodies)("in an exposure, %s", (_, head, text) => {
    const details = `{"gate":"g","ruleID":${big},${metadata.slice(1)}`
    const exposure = text
      .replace('"big"', '"statsig::gate_exposure"')
      .replace(metadata, details)
      .replace(`"value":${big}`, `"statsigMetadata":{"build":${big}}`)
    const exported = through(head, exposure).find((json) => json.includes("gate_exposure"))
    expect(exported).toContain(`"metadata":${metadata}`)
    expect(exported).toContain(
      `"build":${big},"gate":"g","gateValue":false,"gateGroupName":"","ruleID":"${big}"}`,
    )
  })

  it.each(bodies)("with rules of fields, %s", (_, head, text) => {
    const fields = { drop: ["metadata.nested"], keep: null, hash: ["user.custom.order"] }
    const exported = through(head, text, { fields }).find((json) => json.includes('"big"'))
    expect(exported).toContain(
      `"custom":{"share":1.50,"tiny":1e-7,"order":"hash of ${big}"}},"userID":"${big}"`,
    )
    expect(exported).toContain(`"metadata":{"order":${big},"price":1.0}`)
  })

  it.each(bodies)("as a dead letter, %s", (_, head, text) => {
    const entry = read(entryOf(decodeText(head, text)))
    const letter = LetterEvent.write(entry, entry.events.find(({ eventName }) => eventName === "big")!)
    const again = LetterEvent.read(letter)!
    const [exported] = sent({ id: entry.id, receivedAt, statsigMetadata: {}, events: [again] })
    expect(exported).toContain(`"user":${user},"userID":"${big}"`)
    expect(exported).toContain(`"value":"${big}","metadata":${metadata}`)
  })

  it("in what a request says for all of its events", () => {
    const shared = `"user":{"userID":${big}},"statsigMetadata":{"build":${big},"share":1.0}`
    for (const other of ["", ",{}"]) {
      const [exported] = through(sdk, `{"events":[{"eventName":"x"}${other}],${shared}}`)
      expect(exported).toContain(`"user":{"userID":${big}},"userID":"${big}"`)
      expect(exported).toContain(`"statsigMetadata":{"build":${big},"share":1.0}`)
    }
  })

  it("and numbers of many digits count, each of them, to what a request may make us send", () => {
    const long = `1.${"0".repeat(60_000)}`
    const events = Array(500).fill('{"eventName":"x"}').join(",")
    const result = decodeText(sdk, `{"events":[${events}],"statsigMetadata":{"n":${long}}}`)
    expect(refused(result)).toMatchObject({ status: 413 })
  })

  it("when the id stands beside the user", () => {
    const [exported] = through(webhook, `[{"eventName":"x","user":{"a":1.0},"userID":${big}}]`)
    expect(exported).toContain(`"user":{"a":1.0,"userID":${big}},"userID":"${big}"`)
  })

  it("when the user has private attributes that are null", () => {
    const [exported] = through(
      sdk,
      `{"events":[{"eventName":"x","user":{"userID":${big},"privateAttributes":null}}]}`,
    )
    expect(exported).toContain(`"user":{"userID":${big}},"userID":"${big}"`)
  })

  it("while filters and transforms count with numbers", () => {
    const entry = read(entryOf(decodeText(webhook, event.replace('"eventName"', '"event"'))))
    expect(entry.events[0]).toMatchObject({ value: Number(big), user: { userID: Number(big) } })
    const [exported] = sent(entry, {
      transform: (one) => ({ ...one, metadata: { type: typeof one.metadata["order"] } }),
    })
    expect(exported).toContain('"metadata":{"type":"number"}')
  })
})

describe("of a key that comes twice in one object, the last value leaves, once", () => {
  const twice =
    '{"eventName":"twice","metadata":{"k":1,"k":2,"o":{"a":1,"b":2,"a":3}},"user":{"custom":{"c":1,"c":2}}}'
  it.each([
    ["alone", sdk, `{"events":[${twice}]}`],
    ["among others like it", sdk, `{"events":[${Array(5).fill(twice).join(",")}]}`],
    ["beside an event that is refused", sdk, `{"events":[${twice},{}]}`],
    ["at event_webhook", webhook, `[${twice}]`],
  ])("%s", (_, head, text) => {
    for (const exported of through(head, text)) {
      expect(exported).toContain('"user":{"custom":{"c":2}}')
      expect(exported).toContain('"metadata":{"k":2,"o":{"b":2,"a":3}}')
    }
  })

  it("also in what the request says for all, and beside its events", () => {
    const text =
      '{"x":1,"events":[{"eventName":"a"}],"x":{},"statsigMetadata":{"s":1,"s":2},"user":{"u":1,"u":2}}'
    expect(through(sdk, text)[0]).toMatch(/"user":\{"u":2\}.*"statsigMetadata":\{"s":2\}/)
  })
})
