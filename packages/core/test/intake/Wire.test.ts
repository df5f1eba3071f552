/** Over 400 lines because every form of a request that SDKs send has its case here. */
import { readdirSync, readFileSync } from "node:fs"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Entry from "../../src/entry/Entry.ts"
import * as Wire from "../../src/intake/Wire.ts"
import { exporter, rule } from "../../src/select/Export.ts"
import {
  accepted,
  bytesOf,
  decodeJson,
  decodeText,
  entryOf,
  id,
  limits,
  plain,
  plainHttp,
  read,
  receivedAt,
  refused,
  sdk,
  textOf,
  through,
  webhook,
} from "../support/wire.ts"

const good = { user: { userID: "u" }, eventName: "x", time: receivedAt }

const webhookText = (text: string) => decodeText(webhook, text)

interface Capture {
  readonly sdk: string
  readonly request: {
    readonly query: Readonly<Record<string, string>>
    readonly headers: Readonly<Record<string, string>>
  }
  readonly bodyTopLevelKeys: ReadonlyArray<string>
  readonly bodyWithoutEvents: { readonly statsigMetadata: Readonly<Record<string, string>> }
  readonly oneEventPerName: ReadonlyArray<Readonly<Record<string, never>>>
}

const folder = new URL("../captures/", import.meta.url)

const captures = readdirSync(folder).map(
  (file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Capture,
)

const headOf = ({ request: { query, headers } }: Capture): Wire.WireHead => {
  const header = (name: string) =>
    Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? null
  return {
    ...plainHttp,
    clientTimeHeader: header("statsig-client-time"),
    clientTimeQuery: query["t"] ?? null,
    sdkType: header("statsig-sdk-type") ?? query["st"] ?? null,
    sdkVersion: header("statsig-sdk-version") ?? query["sv"] ?? null,
    sessionID: query["sid"] ?? null,
  }
}

/** The captured request again; captures show its events one by one. */
const bodyOf = ({ bodyTopLevelKeys, bodyWithoutEvents, oneEventPerName }: Capture): string =>
  JSON.stringify(
    Object.fromEntries(
      bodyTopLevelKeys.map((key) => [
        key,
        key === "events" ? oneEventPerName : bodyWithoutEvents[key as "statsigMetadata"],
      ]),
    ),
  )

describe.each(captures)("what $sdk sends", (capture) => {
  const head = headOf(capture)
  const result = accepted(decodeText(head, bodyOf(capture)))

  it("is accepted whole and kept as it came", () => {
    expect(result.rejected).toEqual([])
    expect(result.eventNames).toEqual(capture.oneEventPerName.map(({ eventName }) => eventName))
    expect(result.entry?.events).toBe(capture.oneEventPerName.length)
    expect(textOf(result.entry?.body ?? new Uint8Array())).toBe(bodyOf(capture))
  })

  it("is read with its user, value, metadata and SDK facts, and its clock corrected", () => {
    const { statsigMetadata, events } = plain(read(entryOf(decodeText(head, bodyOf(capture)))))
    const offset = receivedAt - Number(head.clientTimeHeader ?? head.clientTimeQuery)
    expect(Math.abs(offset)).toBeGreaterThan(2000)
    expect(statsigMetadata).toEqual(capture.bodyWithoutEvents.statsigMetadata)
    expect(events).toStrictEqual(
      capture.oneEventPerName.map((sent: Record<string, unknown>) => {
        const { privateAttributes: _, ...user } = (sent["user"] ?? {}) as Record<string, unknown>
        return {
          eventName: sent["eventName"],
          user,
          time: (sent["time"] as number) + offset,
          value: sent["value"] ?? null,
          metadata: sent["metadata"] ?? {},
          statsigMetadata: sent["statsigMetadata"] ?? {},
        }
      }),
    )
  })

  it("comes out of a second Millrace as it came out of the first", () => {
    const exported = (entry: Entry.DecodedEntry) => {
      const fields = { drop: [], keep: null, hash: [] }
      return entry.events.map(exporter(entry, rule({ exposures: "statsigMetadata", fields }, null)))
    }
    const first = exported(read(entryOf(decodeText(head, bodyOf(capture)))))
    expect(exported(through(webhook, first))).toStrictEqual(first)
    expect(exported(through(webhook, { data: first }))).toStrictEqual(first)
  })
})

describe("what SDKs send is taken as it is", () => {
  const expected = {
    eventName: "x",
    user: { userID: "u" },
    time: receivedAt,
    value: null,
    metadata: {},
    statsigMetadata: {},
  }

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["an integer time", {}, {}],
    ["no user", { user: undefined }, { user: {} }],
    ["a null user", { user: null }, { user: {} }],
    ["an empty user", { user: {} }, { user: {} }],
    ["an empty array as user", { user: [] }, { user: {} }],
    ["a number as userID", { user: { userID: 7 } }, { user: { userID: 7 } }],
    ["null customIDs", { user: { customIDs: null } }, { user: { customIDs: null } }],
    ["no time", { time: undefined }, {}],
    ["a null time", { time: null }, {}],
    ["a fractional time", { time: receivedAt + 0.25 }, { time: receivedAt + 0.25 }],
    ["a numeric text as time", { time: String(receivedAt + 1) }, { time: receivedAt + 1 }],
    ["an ISO text as time", { time: new Date(receivedAt + 1).toISOString() }, { time: receivedAt + 1 }],
    ["a negative time", { time: -1 }, { time: -1 }],
    ["the last time of 2099", { time: 4_102_444_799_999 }, { time: 4_102_444_799_999 }],
    ["a text value", { value: "v" }, { value: "v" }],
    ["an empty value", { value: "" }, { value: "" }],
    ["a number value", { value: 42.5 }, { value: 42.5 }],
    ["a boolean value", { value: true }, { value: true }],
    ["a null value", { value: null }, {}],
    ["null metadata", { metadata: null }, {}],
    ["an empty array as metadata", { metadata: [] }, {}],
    ["nested metadata", { metadata: { a: [1, { b: true }] } }, { metadata: { a: [1, { b: true }] } }],
    ["null secondaryExposures", { secondaryExposures: null }, {}],
    ["null statsigMetadata", { statsigMetadata: null }, {}],
    ["an array as statsigMetadata", { statsigMetadata: [] }, {}],
    ["statsigMetadata", { statsigMetadata: { currentPage: "p" } }, { statsigMetadata: { currentPage: "p" } }],
    ["unknown keys", { allocatedExperimentHash: "h", more: {} }, {}],
    ["Unicode in a name", { eventName: "ünïcødé 事件 🚀" }, { eventName: "ünïcødé 事件 🚀" }],
  ])("%s", (_, patch, seen) => {
    expect(through(sdk, { events: [{ ...good, ...patch }] }).events).toStrictEqual([{ ...expected, ...seen }])
  })

  it("a value that overflows is none, however the body was kept", () => {
    const event = '{"eventName":"x","value":1e999}'
    const values = (text: string) => read(entryOf(decodeText(sdk, text))).events.map(({ value }) => value)
    expect(values(`{"events":[${event}]}`)).toEqual([null])
    expect(values(`{"events":[${event},{}]}`)).toEqual([null])
  })

  it("a body without statsigMetadata, told by its header", () => {
    const entry = through({ ...sdk, sessionID: "s" }, { events: [{ eventName: "x" }] })
    expect(entry.statsigMetadata).toEqual({ sdkType: "py-server", sdkVersion: "0.71.6", sessionID: "s" })
  })

  it("the body's own statsigMetadata is not touched by the headers", () => {
    expect(through(sdk, { events: [good], statsigMetadata: {} }).statsigMetadata).toEqual({})
  })

  it("a user at the top is the default of events that have none", () => {
    const body = {
      user: { userID: "top" },
      events: [{ ...good, user: null }, { ...good, user: undefined }, { ...good, user: {} }, good],
    }
    expect(through(sdk, body).events.map(({ user }) => user)).toEqual([
      { userID: "top" },
      { userID: "top" },
      {},
      { userID: "u" },
    ])
  })

  it.each(["text", 5, [], null])("a user at the top that is none (%j) is passed over", (user) => {
    expect(through(sdk, { user, events: [{ eventName: "x" }] }).events[0]?.user).toEqual({})
  })
})

describe("what cannot be an event is refused alone", () => {
  it.each<[string, unknown, string]>([
    ["null", null, "events[1]: expected an object"],
    ["a text", "x", "events[1]: expected an object"],
    ["an array", [], "events[1]: expected an object"],
    ["no name", { time: 1 }, "events[1].eventName: missing"],
    ["an empty name", { eventName: "" }, "events[1].eventName: expected a non-empty string"],
    ["a number as name", { eventName: 5 }, "events[1].eventName: expected a string"],
    ["the webhook's spelling", { event: "x" }, "events[1].eventName: missing"],
    ["a text as user", { eventName: "x", user: "u" }, "events[1].user: expected an object"],
    ["a list as user", { eventName: "x", user: [1] }, "events[1].user: expected an object"],
    ["an object as value", { eventName: "x", value: {} }, "events[1].value: expected a string or a number"],
    ["an array as value", { eventName: "x", value: [] }, "events[1].value: expected a string or a number"],
    ["a text as metadata", { eventName: "x", metadata: "m" }, "events[1].metadata: expected an object"],
    ["a list as metadata", { eventName: "x", metadata: [1] }, "events[1].metadata: expected an object"],
    ["words as time", { eventName: "x", time: "soon" }, "events[1].time: expected a time"],
    ["an empty time", { eventName: "x", time: "" }, "events[1].time: expected a time"],
    ["a boolean as time", { eventName: "x", time: true }, "events[1].time: expected a time"],
  ])("%s", (_, bad, message) => {
    const { entry, rejected, eventNames } = accepted(decodeJson(sdk, { events: [good, bad, good] }))
    expect(rejected.map(({ index, message }) => ({ index, message }))).toEqual([{ index: 1, message }])
    expect(eventNames).toEqual(["x", "x"])
    expect(entry?.events).toBe(2)
    expect(JSON.parse(textOf(entry?.body ?? new Uint8Array()))).toEqual({ events: [good, good] })
    expect(JSON.parse(entry?.envelope ?? "")).toMatchObject({ rejected: [1] })
  })

  it("a time that overflows", () => {
    const { rejected } = accepted(decodeText(sdk, '{"events":[{"eventName":"x","time":1e999}]}'))
    expect(rejected[0]?.message).toBe("events[0].time: expected a time")
  })

  it("all of them: an SDK gets its receipt all the same, and nothing is appended", () => {
    const result = accepted(decodeJson(sdk, { events: [{}, null] }))
    expect(result.entry).toBeNull()
    expect(result.eventNames).toEqual([])
    expect(result.rejected.map(({ index }) => index)).toEqual([0, 1])
  })

  it("is shown without values it must not keep, and cut", () => {
    const event = { eventName: "n".repeat(1000), user: "u", metadata: { text: "é".repeat(10_000) } }
    const [rejected] = accepted(decodeJson(sdk, { events: [event] })).rejected
    expect(rejected?.eventName).toBe("n".repeat(256))
    expect(bytesOf(rejected?.event ?? "").length).toBeLessThanOrEqual(8192)
    expect(bytesOf(rejected?.event ?? "").length).toBeGreaterThan(8190)
    expect(rejected?.event).toContain('"user":"[removed]"')
  })

  it("has no name to show when it has none", () => {
    const { rejected } = accepted(decodeJson(sdk, { events: [{ eventName: 5 }, "x"] }))
    expect(rejected.map(({ eventName, event }) => [eventName, event])).toEqual([
      ["", '{"eventName":5}'],
      ["", '"x"'],
    ])
  })
})

const missingClientTime =
  'STATSIG-CLIENT-TIME: missing header (the option `validation: "lenient"` takes requests without it)'

describe("other callers are held to the OpenAPI document", () => {
  it("and accepted when they keep to it", () => {
    const event = {
      user: { userID: "u", email: "e", custom: { any: [1] }, customIDs: { companyID: "c" }, other: 1 },
      eventName: "x",
      time: -1,
      value: 1.5,
      metadata: { any: null },
      other: {},
    }
    const body = { events: [event], statsigMetadata: { stableID: "s", other: 1 }, other: 1 }
    const { events, statsigMetadata } = through(plainHttp, body)
    expect(events[0]).toMatchObject({ eventName: "x", time: -1, value: 1.5, user: event.user })
    expect(statsigMetadata).toEqual({ stableID: "s", other: 1 })
  })

  it("an empty list of events is fine, and nothing to append", () => {
    expect(accepted(decodeJson(plainHttp, { events: [] }))).toEqual({
      entry: null,
      rejected: [],
      rejectedCount: 0,
      eventNames: [],
      subject: expect.any(Function),
    })
  })

  it.each<[string, Record<string, unknown>, string]>([
    ["no user", { user: undefined }, "events[0].user: missing"],
    ["a null user", { user: null }, "events[0].user: expected an object"],
    ["an array as user", { user: [] }, "events[0].user: expected an object"],
    ["a number as userID", { user: { userID: 7 } }, "events[0].user.userID: expected a string"],
    ["a null userID", { user: { userID: null } }, "events[0].user.userID: expected a string"],
    ["a null email", { user: { email: null } }, "events[0].user.email: expected a string"],
    ["an array as custom", { user: { custom: [] } }, "events[0].user.custom: expected an object"],
    ["null customIDs", { user: { customIDs: null } }, "events[0].user.customIDs: expected an object"],
    [
      "a number among customIDs",
      { user: { customIDs: { a: "b", c: 1 } } },
      "events[0].user.customIDs.c: expected a string",
    ],
    ["no name", { eventName: undefined }, "events[0].eventName: missing"],
    ["an empty name", { eventName: "" }, "events[0].eventName: expected a non-empty string"],
    ["no time", { time: undefined }, "events[0].time: missing"],
    ["a null time", { time: null }, "events[0].time: expected an integer"],
    ["a text as time", { time: "1795296100000" }, "events[0].time: expected an integer"],
    ["a fractional time", { time: 1.5 }, "events[0].time: expected an integer"],
    ["a null value", { value: null }, "events[0].value: expected a string or a number"],
    ["a boolean value", { value: true }, "events[0].value: expected a string or a number"],
    ["null metadata", { metadata: null }, "events[0].metadata: expected an object"],
    ["an array as metadata", { metadata: [] }, "events[0].metadata: expected an object"],
  ])("%s", (_, patch, message) => {
    const event = { ...good, ...patch }
    expect(refused(decodeJson(plainHttp, { events: [event] }))).toEqual({ status: 400, message, events: 1 })
    const mixed = accepted(decodeJson(plainHttp, { events: [event, good] }))
    expect(mixed.rejected.map(({ message }) => message)).toEqual([message])
    expect(mixed.entry?.events).toBe(1)
  })

  it("a value too large to be read as a number is none", () => {
    const text = '{"events":[{"user":{},"eventName":"x","time":1,"value":1e999}]}'
    expect(refused(decodeText(plainHttp, text)).message).toBe(
      "events[0].value: expected a string or a number",
    )
  })

  it.each<[string, unknown, string]>([
    ["null", null, "statsigMetadata: expected an object"],
    ["an array", [], "statsigMetadata: expected an object"],
    ["a number as sdkType", { sdkType: 5 }, "statsigMetadata.sdkType: expected a string"],
    ["a null stableID", { stableID: null }, "statsigMetadata.stableID: expected a string"],
  ])("statsigMetadata: %s", (_, statsigMetadata, message) => {
    expect(refused(decodeJson(plainHttp, { events: [good], statsigMetadata }))).toEqual({
      status: 400,
      message,
      events: 1,
    })
  })

  it.each([
    [null, missingClientTime],
    ["", missingClientTime],
    ["now", "STATSIG-CLIENT-TIME: expected an integer"],
    ["1795296100000.5", "STATSIG-CLIENT-TIME: expected an integer"],
  ])("STATSIG-CLIENT-TIME %j", (clientTimeHeader, message) => {
    const head = { ...plainHttp, clientTimeHeader, clientTimeQuery: "1795296100000" }
    expect(refused(decodeJson(head, { events: [good] }))).toEqual({ status: 400, message, events: 1 })
    expect(accepted(decodeJson({ ...head, sdkType: "x" }, { events: [good] })).entry).not.toBeNull()
  })

  it("the header is the log_event family's alone, but read where it stands", () => {
    const body = { events: [good] }
    expect(accepted(decodeJson(webhook, body)).rejected).toEqual([])
    expect(refused(decodeJson({ ...webhook, clientTimeHeader: "now" }, body)).message).toBe(
      "STATSIG-CLIENT-TIME: expected an integer",
    )
  })

  it("bytes that are not UTF-8", () => {
    const [before, after] = ['{"events":[{"user":{},"time":1,"eventName":"', '"}]}'].map(bytesOf)
    const bytes = new Uint8Array([...(before ?? []), 0xff, ...(after ?? [])])
    expect(refused(Wire.decode(plainHttp, bytes, id, limits))).toEqual({
      status: 400,
      message: "body: not UTF-8",
      events: 1,
    })
    const entry = entryOf(Wire.decode(sdk, bytes, id, limits))
    expect(read(entry).events[0]?.eventName).toBe("\ufffd")
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(entry.body)).not.toThrow()
  })

  it("messages hold neither values nor keys that could be values", () => {
    const secret = "s3cret value"
    const wrong = fc.constantFrom<unknown>(secret, [secret], { [secret]: secret }, null)
    fc.assert(
      fc.property(
        fc.record(
          {
            user: fc.oneof(
              wrong,
              fc.record(
                { userID: wrong, email: wrong, custom: wrong, customIDs: wrong },
                { requiredKeys: [] },
              ),
              fc.constant({ customIDs: { [secret]: 1 } }),
            ),
            eventName: fc.constantFrom(null, [secret], { [secret]: secret }),
            time: wrong,
            value: wrong,
            metadata: wrong,
          },
          { requiredKeys: [] },
        ),
        fc.constantFrom(plainHttp, sdk, webhook),
        (event, head) => {
          for (const events of [[event], [event, good]]) {
            const result = decodeJson(head, { events })
            const messages =
              result._tag === "Failure"
                ? [result.failure.message]
                : result.success.rejected.map(({ message }) => message)
            expect(messages.length).toBeGreaterThan(0)
            for (const message of messages) expect(message).not.toContain("s3cret")
          }
        },
      ),
    )
  })
})

describe("who is held to what", () => {
  const loose = { events: [{ eventName: "x" }] }
  const isLenient = (head: Wire.WireHead, body: unknown) => decodeJson(head, body)._tag === "Success"

  it("an SDK shows itself by header, query or statsigMetadata", () => {
    expect(isLenient(plainHttp, loose)).toBe(false)
    expect(isLenient({ ...plainHttp, sdkType: "" }, loose)).toBe(false)
    expect(isLenient({ ...plainHttp, sdkType: "py" }, loose)).toBe(true)
    expect(isLenient(plainHttp, { ...loose, statsigMetadata: { sdkType: "py" } })).toBe(true)
    expect(isLenient(plainHttp, { ...loose, statsigMetadata: { sdkType: "" } })).toBe(false)
    expect(isLenient(plainHttp, { ...loose, statsigMetadata: { sdkVersion: "1" } })).toBe(false)
  })

  it("either can be forced", () => {
    expect(isLenient({ ...plainHttp, validation: "lenient" }, loose)).toBe(true)
    expect(isLenient({ ...sdk, validation: "strict" }, loose)).toBe(false)
    expect(isLenient({ ...webhook, validation: "strict" }, [{ eventName: "x" }])).toBe(false)
  })

  it("the envelope says which it was", () => {
    expect(JSON.parse(entryOf(decodeJson(sdk, loose)).envelope).mode).toBe("lenient")
    expect(JSON.parse(entryOf(decodeJson(plainHttp, { events: [good] })).envelope).mode).toBe("strict")
  })
})

describe("the event webhook", () => {
  const seen = { eventName: "x", user: { userID: "u" }, value: 3, time: receivedAt - 5, metadata: { a: 1 } }
  const rest = { user: { userID: "u" }, value: 3, metadata: { a: 1 } }
  const names = [{ event: "x" }, { eventName: "x" }]
  const times = [{ timestamp: receivedAt - 5 }, { time: receivedAt - 5 }]
  const spellings = names.flatMap((name) => times.map((time) => ({ ...rest, ...name, ...time })))

  it.each(spellings)("takes one event by itself: %j", (event) => {
    const result = accepted(decodeJson(webhook, event))
    expect(result.eventNames).toEqual(["x"])
    expect(through(webhook, event).events).toMatchObject([seen])
  })

  it.each(spellings)("takes a list of them: %j", (event) => {
    const result = accepted(decodeJson(webhook, { events: [event, event] }))
    expect(result.eventNames).toEqual(["x", "x"])
    expect(through(webhook, { events: [event, event] }).events).toMatchObject([seen, seen])
  })

  it.each(spellings)("takes exported events: %j", (event) => {
    expect(through(webhook, [event]).events).toMatchObject([seen])
    expect(through(webhook, { data: [event] }).events).toMatchObject([seen])
  })

  it("of two spellings in one event, the one that is not null counts", () => {
    const event = { ...rest, event: null, eventName: "x", timestamp: null, time: receivedAt - 5 }
    expect(through(webhook, event).events).toMatchObject([seen])
  })

  it("takes a single event without a timestamp at the receive time", () => {
    expect(through(webhook, { ...rest, event: "x" }).events[0]?.time).toBe(receivedAt)
  })

  it.each<[unknown, string]>([
    [{ event: "", user: {} }, "event: expected a non-empty string"],
    [{ event: null, user: {} }, "event: expected a string"],
    [{ eventName: 5, user: {} }, "eventName: expected a string"],
    [{ event: "x", user: "u" }, "user: expected an object"],
    [{ event: "x", user: {}, timestamp: "soon" }, "timestamp: expected a time"],
    [{ events: [{ event: "x", user: {} }] }, "events[0].time: missing"],
    [{ events: [{ event: "x", user: {}, timestamp: 1.5 }] }, "events[0].timestamp: expected an integer"],
    [{ events: [{ user: {}, time: 1 }] }, "events[0].eventName: missing"],
    [{ events: [null] }, "events[0]: expected an object"],
  ])("holds %j to the document", (body, message) => {
    expect(refused(decodeJson(webhook, body))).toEqual({ status: 400, message, events: 1 })
  })

  it("names exported events by their place", () => {
    const messages = (body: unknown) =>
      accepted(decodeJson(webhook, body)).rejected.map(({ message }) => message)
    expect(messages([{ eventName: "x" }, {}])).toEqual(["[1].eventName: missing"])
    expect(messages({ data: [{ eventName: "x", timestamp: "soon" }] })).toEqual([
      "data[0].timestamp: expected a time",
    ])
  })

  it.each<[string, unknown, string]>([
    ["numbers", [1, 2], "[0]: expected an object"],
    ["null", [null], "[0]: expected an object"],
    ["objects without a name", [{}, { id: 5 }], "[0].eventName: missing"],
    ["texts below `data`", { data: ["x"] }, "data[0]: expected an object"],
  ])("refuses a list of anything but events: %s", (_, body, message) => {
    const events = (Array.isArray(body) ? body : (body as { data: [] }).data).length
    expect(refused(decodeJson(webhook, body))).toEqual({ status: 400, message, events })
  })

  const noon = Date.UTC(2026, 10, 28, 12)
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["a date as timestamp", { timestamp: "2026-11-28T12:00:00Z" }, { time: noon }],
    ["digits in a text as timestamp", { timestamp: String(noon) }, { time: noon }],
    [
      "seconds in a text as timestamp",
      { timestamp: String(noon / 1000 - 86_400_000) },
      { time: noon - 864e8 },
    ],
    ["a timestamp with decimals", { timestamp: noon + 0.5 }, { time: noon + 0.5 }],
    ["a null timestamp", { timestamp: null }, { time: receivedAt }],
    ["an empty timestamp", { timestamp: "" }, { time: receivedAt }],
    ["a blank time", { time: " " }, { time: receivedAt }],
    ["a number as userID", { user: { userID: 42 } }, { user: { userID: 42 } }],
    ["a null value", { value: null }, { value: null }],
    ["a boolean value", { value: true }, { value: true }],
    ["null metadata", { metadata: null }, { metadata: {} }],
    ["a null user", { user: null }, { user: {} }],
    ["no user", { user: undefined }, { user: {} }],
    [
      "null email and custom",
      { user: { email: null, custom: null } },
      { user: { email: null, custom: null } },
    ],
  ])("takes one event by itself as it takes it in a list: %s", (_, patch, seen) => {
    const event = { event: "x", user: { userID: "u" }, ...patch }
    expect(through(webhook, event).events).toMatchObject([seen])
    expect(through(webhook, [event]).events).toStrictEqual(through(webhook, event).events)
  })

  it("takes one event by itself by the document alone when that is asked for", () => {
    const strict = { ...webhook, validation: "strict" } as const
    expect(refused(decodeJson(strict, { event: "x", user: {}, timestamp: "" })).message).toBe(
      "timestamp: expected an integer",
    )
    expect(accepted(decodeJson(strict, { event: "x", user: {}, timestamp: 1 })).eventNames).toEqual(["x"])
  })

  it("takes config changes, their timestamp a number or a text", () => {
    const change = {
      eventName: "statsig::config_change",
      user: { name: "Jane", email: "jane@example.com" },
      metadata: { type: "Gate", name: "g", description: "- Updated", action: "updated" },
    }
    const data = [
      { ...change, timestamp: receivedAt - 1 },
      { ...change, timestamp: String(receivedAt - 2) },
      { ...change, timestamp: "2026-11-22T00:00:00Z" },
    ]
    expect(through(webhook, { data }).events.map(({ time }) => time)).toEqual([
      receivedAt - 1,
      receivedAt - 2,
      Date.UTC(2026, 10, 22),
    ])
  })

  it("keeps what an exported exposure carries in statsigMetadata", () => {
    const exposure = {
      eventName: "statsig::gate_exposure",
      user: { userID: "u", country: "US" },
      userID: "u",
      timestamp: 1_644_520_566_968,
      value: "",
      metadata: {},
      statsigMetadata: { gate: "g", gateValue: true, gateGroupName: "US Users", ruleID: "r" },
      timeUUID: "f4c414a0-8aa5-11ec-a8a3-0242ac120003",
    }
    expect(through(webhook, [exposure])).toMatchObject({
      statsigMetadata: {},
      events: [
        {
          eventName: exposure.eventName,
          user: exposure.user,
          time: exposure.timestamp,
          value: "",
          metadata: {},
          statsigMetadata: exposure.statsigMetadata,
        },
      ],
    })
  })

  it("keeps the id that an event got where it was exported, if it is one", () => {
    const uuid = "f4c414a0-8aa5-11ec-a8a3-0242ac120003"
    const ids = (body: unknown) => {
      const entry = through(webhook, body)
      const keyless = entry.events.map(({ timeUUID: _, ...event }) => event)
      return entry.events.map((event, index) => {
        expect(Entry.eventIds(entry)(index)).toBe(
          event.timeUUID ?? Entry.eventIds({ ...entry, events: keyless })(index),
        )
        return event.timeUUID
      })
    }
    const withId = (timeUUID: unknown) => ({ eventName: "x", user: {}, timestamp: 1, timeUUID })
    const upper = uuid.toUpperCase()
    expect(ids([withId(uuid), withId(upper)])).toEqual([uuid, upper])
    expect(ids({ data: [withId(uuid)] })).toEqual([uuid])
    const others = [
      "",
      5,
      null,
      `${uuid}0`,
      ` ${uuid}`,
      uuid.replace("-11ec-", "-41ec-"),
      uuid.replace("-a8a3-", "-c8a3-"),
    ]
    expect(ids(others.map(withId))).toEqual(others.map(() => undefined))
    // Not exported events: what else a sender writes there is its own affair.
    expect(ids({ events: [withId(uuid)] })).toEqual([undefined])
    expect(ids({ ...withId(uuid), event: "x" })).toEqual([undefined])
    expect(through(sdk, { events: [{ eventName: "x", timeUUID: uuid }] }).events[0]).not.toHaveProperty(
      "timeUUID",
    )
  })

  it("takes the userID beside a user that has none, and never over one that has", () => {
    const users = [
      { eventName: "x", userID: "b" },
      { eventName: "x", user: {}, userID: 5 },
      { eventName: "x", user: { userID: "a" }, userID: "b" },
      { eventName: "x", user: {}, userID: "" },
    ]
    expect(through(webhook, users).events.map(({ user }) => user)).toEqual([
      { userID: "b" },
      { userID: 5 },
      { userID: "a" },
      {},
    ])
    expect(through(sdk, { events: [{ eventName: "x", userID: "b" }] }).events[0]?.user).toEqual({})
  })

  it.each([
    ["{}", "body: expected `event` or `events`"],
    ['{"data":{}}', "body: expected `event` or `events`"],
    ['{"events":{}}', "events: expected an array"],
    ['{"events":null,"event":"x"}', "events: expected an array"],
    ["5", "body: expected an object"],
    ["null", "body: expected an object"],
  ])("cannot use %s", (text, message) => {
    expect(refused(webhookText(text))).toEqual({ status: 400, message, events: 0 })
  })
})

describe("numbers that JSON has none for, as Python writes them", () => {
  const batch =
    '{"events":[{"eventName":"good","value":1.5},' +
    '{"eventName":"bad","value":NaN,"user":{"userID":"b","custom":{"a":[-Infinity]}},' +
    '"metadata":{"x":Infinity,"y":"NaN, Infinity"}}],"statsigMetadata":{"sdkType":"py-server"}}'

  it("are none in what an SDK sends, and the others arrive", () => {
    const { events } = plain(read(entryOf(decodeText({ ...plainHttp, clientTimeHeader: null }, batch))))
    expect(events).toMatchObject([
      { eventName: "good", value: 1.5 },
      {
        eventName: "bad",
        value: null,
        user: { userID: "b", custom: { a: [null] } },
        metadata: { x: null, y: "NaN, Infinity" },
      },
    ])
  })

  it("are where a strict body stops being JSON, which is said without its values", () => {
    const text = batch.replace("sdkType", "other")
    for (const head of [plainHttp, { ...sdk, validation: "strict" } as const]) {
      expect(refused(decodeText(head, text))).toEqual({
        status: 400,
        message: `body: not JSON from byte ${text.indexOf("NaN")} on`,
        events: 2,
      })
    }
  })

  it("do not make JSON of what is none besides", () => {
    expect(refused(decodeText(sdk, '{"events":[{"eventName":"x","value":NaN}'))).toMatchObject({
      message: "body: not JSON from byte 36 on",
    })
    expect(refused(decodeText(sdk, '{"events":[{"eventName":"x","value":Nan}]}')).message).toBe(
      "body: not JSON",
    )
  })
})

describe("a body that cannot be used is refused whoever sends it", () => {
  it.each([
    ["", "body: not JSON"],
    ["{", "body: not JSON"],
    ['{"events":[]} x', "body: not JSON"],
    ["\ufeff\ufeff{}", "body: not JSON"],
    ["[]", "body: expected an object"],
    ['"events"', "body: expected an object"],
    ["{}", "events: missing"],
    ['{"events":null}', "events: expected an array"],
    ['{"events":{"length":1}}', "events: expected an array"],
    ['{"data":[]}', "events: missing"],
  ])("%j", (text, message) => {
    for (const head of [plainHttp, sdk]) {
      expect(refused(decodeText(head, text))).toEqual({ status: 400, message, events: 0 })
    }
  })

  it("a BOM is no reason", () => {
    expect(accepted(decodeText(plainHttp, `\ufeff${JSON.stringify({ events: [good] })}`)).rejected).toEqual(
      [],
    )
    expect(through(plainHttp, { events: [good] }).events).toHaveLength(1)
  })

  it("too many events", () => {
    const few = { ...limits, events: 2 }
    const decode = (count: number) =>
      Wire.decode(sdk, bytesOf(JSON.stringify({ events: Array(count).fill(good) })), id, few)
    expect(accepted(decode(2)).entry?.events).toBe(2)
    expect(refused(decode(3))).toEqual({ status: 413, message: "events: more than 2 events", events: 3 })
  })

  it("too many bytes", () => {
    const body = bytesOf(JSON.stringify({ events: [good] }))
    expect(accepted(Wire.decode(sdk, body, id, { ...limits, bodyBytes: body.length })).entry).not.toBeNull()
    expect(refused(Wire.decode(sdk, body, id, { ...limits, bodyBytes: body.length - 1 })).status).toBe(413)
  })

  it.each([
    ["short", ""],
    ["long enough to be scanned before it is parsed", " ".repeat(300_000)],
  ])("nested too deep (%s)", (_, padding) => {
    // {"events":[{"metadata":{ and the brackets: the innermost is the 64th, then the 65th.
    const body = (depth: number) =>
      `{"events":[{"eventName":"x","metadata":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}]${padding}}`
    expect(accepted(decodeText(sdk, body(60))).entry).not.toBeNull()
    expect(refused(decodeText(sdk, body(61)))).toMatchObject({
      status: 400,
      message: "body: nested deeper than 64",
    })
    expect(refused(decodeText(sdk, body(100_000))).status).toBe(400)
  })

  it("nested deeper than any limit may say", () => {
    const body = (depth: number) => `{"events":[{"user":${"[".repeat(depth)}${"]".repeat(depth)}}]}`
    const decode = (depth: number) =>
      Wire.decode(sdk, bytesOf(body(depth)), id, { ...limits, nesting: Number.POSITIVE_INFINITY })
    expect(accepted(decode(Wire.maxNesting - 3)).rejected).toHaveLength(1)
    expect(refused(decode(Wire.maxNesting - 2)).message).toBe("body: nested deeper than 256")
    expect(refused(decode(100_000)).message).toBe("body: nested deeper than 256")
  })
})

describe("the sender's clock", () => {
  const at = (head: Partial<Wire.WireHead>, body: object = {}, time = receivedAt - 60_000) =>
    through({ ...sdk, clientTimeHeader: null, ...head }, { events: [{ ...good, time }], ...body }).events[0]
      ?.time

  const slow = receivedAt - 10_000
  const corrected = receivedAt - 60_000 + 10_000

  it("is in the header, else in the query, else in the body", () => {
    expect(at({})).toBe(receivedAt - 60_000)
    expect(at({ clientTimeHeader: String(slow) })).toBe(corrected)
    expect(at({ clientTimeQuery: String(slow) })).toBe(corrected)
    expect(at({}, { clientTime: String(slow) })).toBe(corrected)
    expect(at({}, { clientTime: slow })).toBe(corrected)
    expect(at({ clientTimeHeader: String(slow), clientTimeQuery: "5" }, { clientTime: 5 })).toBe(corrected)
    expect(at({ clientTimeHeader: "rubbish", clientTimeQuery: "" }, { clientTime: slow })).toBe(corrected)
  })

  it("may be in seconds, and may have decimals", () => {
    expect(at({ clientTimeHeader: String(slow / 1000) })).toBe(corrected)
    expect(at({ clientTimeHeader: `${slow},4` })).toBe(corrected)
    expect(at({ clientTimeHeader: `${slow}.4` })).toBe(corrected)
  })

  it("counts for nothing when it cannot be read, or is `time` of the body, or comes to the webhook but in the header", () => {
    expect(at({ clientTimeHeader: "0" }, { time: slow })).toBe(receivedAt - 60_000)
    const body = { events: [good], clientTime: slow }
    expect(through({ ...webhook, clientTimeQuery: String(slow) }, body).events[0]?.time).toBe(receivedAt)
    expect(through({ ...webhook, clientTimeHeader: String(slow) }, body).events[0]?.time).toBe(
      receivedAt + 10_000,
    )
  })

  it("is trusted within two seconds, either way", () => {
    for (const offset of [2000, -2000]) {
      expect(at({ clientTimeHeader: String(receivedAt - offset) })).toBe(receivedAt - 60_000)
    }
    for (const offset of [2001, -2001]) {
      expect(at({ clientTimeHeader: String(receivedAt - offset) })).toBe(receivedAt - 60_000 + offset)
    }
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: -3000, max: 3000 }), fc.integer({ min: -(10 ** 11), max: 10 ** 11 })),
        (offset) => {
          const seen = at({ clientTimeHeader: String(receivedAt - offset) })
          expect(seen).toBe(receivedAt - 60_000 + (Math.abs(offset) > 2000 ? offset : 0))
        },
      ),
    )
  })

  it("may count in microseconds, as its events may", () => {
    expect(at({ clientTimeHeader: String(slow * 1000) })).toBe(corrected)
    expect(at({ clientTimeHeader: String(slow * 1000) }, {}, (receivedAt - 60_000) * 1000)).toBe(corrected)
  })

  it("says that events are in seconds, however they are read, and beside those that are not", () => {
    const events = [
      { eventName: "x", time: slow / 1000 - 5 },
      { eventName: "x", time: slow - 5000 },
    ]
    const head = { ...sdk, clientTimeHeader: String(slow / 1000) }
    const times = (body: object) => through(head, body).events.map(({ time }) => time)
    expect(times({ events })).toEqual([receivedAt - 5000, receivedAt - 5000])
    expect(times({ events: [...events, {}] })).toEqual([receivedAt - 5000, receivedAt - 5000])
    expect(JSON.parse(entryOf(decodeJson(head, { events })).envelope)).toMatchObject({ clock: "s" })
    expect(JSON.parse(entryOf(decodeJson(head, { events: [events[1]] })).envelope)).not.toHaveProperty(
      "clock",
    )
  })

  it("is not needed for the webhook's seconds, which Statsig's own proxy sends", () => {
    const timestamp = receivedAt / 1000 - 60
    const single = { event: "x", user: {}, timestamp }
    expect(through(webhook, single).events[0]?.time).toBe(receivedAt - 60_000)
    expect(through(webhook, [single]).events[0]?.time).toBe(receivedAt - 60_000)
  })

  it("counts in ms in events that were exported, whatever they may look like", () => {
    const timeUUID = "f4c414a0-8aa5-11ec-a8a3-0242ac120003"
    const events = [
      { eventName: "x", timestamp: 1_000_000_000, timeUUID },
      { eventName: "x", timestamp: 1_000_000_000 },
    ]
    expect(through(webhook, events).events.map(({ time }) => time)).toEqual([1e9, 1e12])
    expect(through(webhook, [events[0]]).events.map(({ time }) => time)).toEqual([1e9])
  })

  it("of an entry stored by an earlier version is read as it was", () => {
    const [time, offset] = [receivedAt / 1000, 5000]
    const entry = Entry.encode(
      id,
      1,
      { receivedAt, offset, dialect: "log_event", mode: "lenient" },
      bytesOf(JSON.stringify({ events: [{ eventName: "x", time }] })),
    )
    expect(read(entry).events[0]?.time).toBe(time + offset)
  })

  it("corrects the event's time, not ours", () => {
    const events = [{ eventName: "x" }, { eventName: "x", time: null }, { eventName: "x", time: slow }]
    expect(
      through({ ...sdk, clientTimeHeader: String(slow) }, { events }).events.map(({ time }) => time),
    ).toEqual([receivedAt, receivedAt, receivedAt])
  })
})

describe("whatever comes", () => {
  const heads = (["log_event", "event_webhook"] as const).flatMap((dialect) =>
    (["auto", "strict", "lenient"] as const).map((validation) => ({ ...plainHttp, dialect, validation })),
  )
  const mine = fc.constantFrom(
    "events",
    "event",
    "eventName",
    "data",
    "user",
    "time",
    "timestamp",
    "value",
    "metadata",
  )
  const key = fc.oneof(
    mine,
    fc.constantFrom(
      "statsigMetadata",
      "userID",
      "customIDs",
      "privateAttributes",
      "__proto__",
      "constructor",
      "toJSON",
    ),
    fc.string(),
  )
  const leaf = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom<unknown>(null, true, 0, -0, 1e300, receivedAt, "2026-01-01", "12", "", {}, []),
    fc.double({ noNaN: true }),
  )
  const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "medium", withCrossShrink: true },
      leaf,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 6 }),
    ),
  }))
  const event = fc.dictionary(key, json, { maxKeys: 8 }).chain((object) =>
    fc
      .record({ user: fc.oneof(fc.constant({}), json), eventName: fc.oneof(fc.constant("x"), json) })
      .map((some) => ({
        ...object,
        ...some,
      })),
  )
  const body = fc.oneof(
    json,
    event,
    fc.array(event),
    fc.record({ data: fc.array(event) }),
    fc.record(
      { events: fc.array(fc.oneof(event, json)), statsigMetadata: json, user: json },
      { requiredKeys: ["events"] },
    ),
  )

  const check = (head: Wire.WireHead, bytes: Uint8Array) => {
    const result = Wire.decode(head, bytes, id, limits)
    if (result._tag === "Failure") {
      expect([400, 413]).toContain(result.failure.status)
      expect(result.failure.message).not.toBe("")
      return
    }
    const { entry, rejected, eventNames } = result.success
    const indexes = rejected.map(({ index }) => index)
    expect(indexes).toEqual([...new Set(indexes)].sort((a, b) => a - b))
    expect(entry === null).toBe(eventNames.length === 0)
    if (entry === null) return
    expect(entry.events).toBe(eventNames.length)
    expect(read(entry).events.map(({ eventName }) => eventName)).toEqual(eventNames)
  }

  it("any bytes: never a throw", () => {
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 200 }), (head, bytes) =>
        check(head, bytes),
      ),
    )
  })

  it("any JSON: never a throw, and the log's count is the decoder's", () => {
    fc.assert(
      fc.property(fc.constantFrom(...heads), body, (head, value) =>
        check(head, bytesOf(JSON.stringify(value))),
      ),
      { numRuns: 500 },
    )
  })

  it("any damage to a good body: never a throw", () => {
    const sound = bytesOf(
      JSON.stringify({ events: [good, good], user: {}, statsigMetadata: { sdkType: "x" } }),
    )
    const damage = fc.array(fc.tuple(fc.nat({ max: sound.length - 1 }), fc.nat({ max: 255 })), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(fc.constantFrom(...heads), damage, (head, changes) => {
        const bytes = new Uint8Array(sound)
        for (const [at, byte] of changes) bytes[at] = byte
        check(head, bytes)
      }),
      { numRuns: 1000 },
    )
  })

  it("a usual body is read as one that has to be looked at more closely", () => {
    const lenient = { ...plainHttp, validation: "lenient" as const }
    const map = fc.dictionary(key, json, { maxKeys: 6 })
    const sound = fc.record(
      {
        eventName: fc.string({ minLength: 1 }),
        user: map,
        metadata: map,
        statsigMetadata: json,
        value: fc.double(),
      },
      { requiredKeys: ["eventName"] },
    )
    fc.assert(
      fc.property(fc.array(sound, { minLength: 1 }), (events) => {
        const text = JSON.stringify({ events }).replaceAll("privateAttributes", "attributes")
        // A key with an escape has to be looked at, and then stays as it is.
        const escaped = text.replaceAll('"eventName":', '"event\\u004eame":')
        const [one, other] = [entryOf(decodeText(lenient, text)), entryOf(decodeText(lenient, escaped))]
        expect(textOf(one.body)).toBe(text)
        expect(textOf(other.body)).toBe(escaped)
        expect(JSON.stringify(plain(read(other)))).toBe(JSON.stringify(plain(read(one))))
      }),
    )
  })

  it("keys named like JavaScript's own are data and change nothing else", () => {
    const text =
      '{"events":[{"eventName":"x","user":{"__proto__":{"polluted":1},"privateAttributes":{}},"metadata":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}},{"__proto__":{"eventName":"y"}}],"__proto__":{"polluted":1}}'
    const result = accepted(decodeText(sdk, text))
    expect(result.rejected.map(({ message }) => message)).toEqual(["events[1].eventName: missing"])
    expect(result.rejected[0]?.event).toBe('{"__proto__":{"eventName":"y"}}')
    const [event] = read(entryOf(decodeText(sdk, text))).events
    expect(JSON.stringify(event?.user)).toBe('{"__proto__":{"polluted":1}}')
    expect(JSON.stringify(event?.metadata)).toContain('"__proto__":{"polluted":1}')
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined()
    expect(event?.user["polluted"]).toBeUndefined()
  })
})
