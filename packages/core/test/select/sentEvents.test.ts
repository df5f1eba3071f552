import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ByteWriter } from "../../src/bytes/ByteWriter.ts"
import * as LetterEvent from "../../src/entry/deadLetterEvent.ts"
import type * as Entry from "../../src/entry/Entry.ts"
import { eventIds } from "../../src/entry/Entry.ts"
import type { WireHead } from "../../src/intake/Wire.ts"
import * as Export from "../../src/select/Export.ts"
import { originOf, writerOf } from "../../src/select/sentEvents.ts"
import {
  decodeJson,
  decodeText,
  entryOf,
  plainHttp,
  read,
  receivedAt,
  sdk,
  textOf,
  webhook,
} from "../support/wire.ts"

const noFields = { drop: [], keep: null, hash: [] }

const ruleOf = (fields: Partial<typeof noFields> = {}) =>
  Export.rule({ exposures: "statsigMetadata", fields: { ...noFields, ...fields }, form: "sent" }, null)

const textAt = (entry: Entry.DecodedEntry, index: number, rule = ruleOf()): string => {
  const into = new ByteWriter(0)
  writerOf(entry, rule)(entry.events[index]!, index, into)
  return textOf(into.written)
}

const sentOf = (head: WireHead, body: unknown, rule = ruleOf()): ReadonlyArray<Record<string, unknown>> => {
  const entry = read(entryOf(decodeJson(head, body)))
  return entry.events.map((_, index) => {
    const { timeUUID, ...sent } = JSON.parse(textAt(entry, index, rule))
    expect(timeUUID).toBe(eventIds(entry)(index))
    return sent
  })
}

const exposure = {
  eventName: "statsig::gate_exposure",
  user: { userID: "u", custom: { plan: "pro" } },
  time: receivedAt - 1_000,
  value: 7,
  metadata: { gate: "g", gateValue: "true", ruleID: "r" },
  secondaryExposures: [{ gate: "h", gateValue: "false", ruleID: "s" }],
  statsigMetadata: { currentPage: "/" },
  allocatedExperimentHash: "x",
}

describe("an event as its SDK sent it", () => {
  it("has every field that it had, known or not", () => {
    expect(sentOf(sdk, { events: [exposure] })).toEqual([exposure])
  })

  it("has the time that the sender's clock says, corrected once", () => {
    const behind = { ...sdk, clientTimeHeader: String(receivedAt - 60_000) }
    const [sent] = sentOf(behind, { events: [{ ...exposure, time: receivedAt - 61_000 }] })
    expect(sent).toEqual({ ...exposure, time: receivedAt - 1_000 })
  })

  it("has the time of its arrival when it had none", () => {
    expect(sentOf(sdk, { events: [{ eventName: "e", user: null }] })).toEqual([
      { eventName: "e", user: null, time: receivedAt },
    ])
  })

  it("has the request's user when it had none of its own", () => {
    const events = [{ eventName: "a" }, { eventName: "b", user: { userID: "own" } }]
    expect(sentOf(sdk, { user: { userID: "shared" }, events }).map(({ user }) => user)).toEqual([
      { userID: "shared" },
      { userID: "own" },
    ])
  })

  it("has nothing private", () => {
    const user = { userID: "u", privateAttributes: { secret: "s3cret" } }
    const entry = read(entryOf(decodeJson(sdk, { events: [{ ...exposure, user }] })))
    expect(textAt(entry, 0)).not.toContain("s3cret")
    expect(textAt(entry, 0)).toContain('"userID":"u"')
  })

  it("keeps the digits of its numbers", () => {
    const text = `{"events":[{"eventName":"e","user":{"userID":"u"},"value":12345678901234567890,"metadata":{"n":1.10}}]}`
    const entry = read(entryOf(decodeText(sdk, text)))
    expect(textAt(entry, 0)).toContain('"value":12345678901234567890')
    expect(textAt(entry, 0)).toContain('"n":1.10')
  })

  it("is what it would have been from an SDK, when it came by a webhook", () => {
    const body = {
      event: "order",
      user: { userID: "u" },
      timestamp: receivedAt,
      value: 3,
      metadata: { a: "b" },
    }
    expect(sentOf(webhook, body)).toEqual([
      {
        eventName: "order",
        user: { userID: "u" },
        time: receivedAt,
        value: 3,
        metadata: { a: "b" },
        statsigMetadata: {},
      },
    ])
  })

  it("obeys the destination's rules for fields", () => {
    const rule = ruleOf({ drop: ["user.custom", "metadata.ruleID"] as never })
    expect(sentOf(sdk, { events: [exposure] }, rule)).toEqual([
      { ...exposure, user: { userID: "u" }, metadata: { gate: "g", gateValue: "true" } },
    ])
  })

  it("comes through unchanged, whatever fields it has", () => {
    const value = fc.jsonValue({ maxDepth: 2 })
    const others = fc.dictionary(
      fc
        .string({ minLength: 1 })
        .filter(
          (name) =>
            !/^(eventName|user|time|value|metadata|statsigMetadata|timeUUID|privateAttributes)$/.test(name) &&
            name !== "__proto__",
        ),
      value.map((json) => JSON.parse(JSON.stringify(json).replaceAll("-0", "0"))),
      { maxKeys: 4 },
    )
    fc.assert(
      fc.property(others, (extra) => {
        const event = { ...exposure, ...extra }
        // What has a private attribute somewhere loses it on arrival.
        fc.pre(!JSON.stringify(extra).includes("privateAttributes"))
        expect(sentOf(sdk, { events: [event] })).toEqual([event])
      }),
    )
  })
})

describe("what its request said for all events", () => {
  it("goes on beside them", () => {
    const statsigMetadata = { sdkType: "statsig-node", sessionID: "s" }
    const head = { ...sdk, keyId: "0a1b2c3d", relayedBy: "0123456789ab" }
    const entry = read(entryOf(decodeJson(head, { statsigMetadata, events: [exposure] })))
    expect(originOf(entry, ruleOf())).toEqual({
      keyId: "0a1b2c3d",
      sdkType: "py-server",
      sdkVersion: "0.71.6",
      relayedBy: "0123456789ab",
      ip: null,
      statsigMetadata: JSON.stringify(statsigMetadata),
    })
    expect(originOf(entry, ruleOf({ drop: ["statsigMetadata.sessionID"] as never }))?.statsigMetadata).toBe(
      '{"sdkType":"statsig-node"}',
    )
  })

  it("is not there when it said nothing", () => {
    const entry = read(entryOf(decodeJson(plainHttp, { events: [exposure] })))
    expect(originOf(entry, ruleOf())).toMatchObject({ keyId: null, sdkType: null, statsigMetadata: "{}" })
  })

  it("and the event itself survive in a dead letter", () => {
    const statsigMetadata = { sdkType: "statsig-node", big: 1 }
    const head = { ...sdk, keyId: "0a1b2c3d" }
    const entry = read(entryOf(decodeJson(head, { statsigMetadata, events: [exposure] })))
    const letter = LetterEvent.readEntry(LetterEvent.writeSent(entry, entry.events[0]!, 0), receivedAt)!
    const id = () => "the-id"
    const again = new ByteWriter(0)
    writerOf(letter, ruleOf(), id)(letter.events[0]!, 0, again)
    const before = new ByteWriter(0)
    writerOf(entry, ruleOf(), id)(entry.events[0]!, 0, before)
    expect(textOf(again.written)).toBe(textOf(before.written))
    expect(originOf(letter, ruleOf())).toEqual(originOf(entry, ruleOf()))
  })
})
