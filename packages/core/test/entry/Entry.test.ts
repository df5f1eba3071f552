import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { describe, expect, it, test } from "vitest"
import { exactOf, exactStatsigMetadataOf } from "../../src/base/exactEvent.ts"
import * as ExactJson from "../../src/base/exactJson.ts"
import type { Json } from "../../src/base/json.ts"
import { Slice, sliceBytes, toTheEnd } from "../../src/base/slices.ts"
import * as Outline from "../../src/bytes/bodyScanner.ts"
import * as Entry from "../../src/entry/Entry.ts"
import * as Wire from "../../src/intake/Wire.ts"
import { anyHead, dirtyBody } from "../support/dirtyBodies.ts"
import {
  bytesOf,
  decodeJson,
  entryOf,
  id,
  limits,
  plain,
  plainHttp,
  read,
  receivedAt,
  sdk,
  webhook,
} from "../support/wire.ts"

const good = { user: { userID: "u" }, eventName: "x", time: receivedAt }

const failureOf = (result: ReturnType<typeof Entry.decode>) => {
  if (result._tag === "Success") throw new Error("decoded")
  return result.failure
}

describe("the envelope", () => {
  it("is compact JSON that holds only what is known", () => {
    expect(entryOf(decodeJson(plainHttp, { events: [good] })).envelope).toBe(
      `{"v":1,"receivedAt":${receivedAt},"offset":0,"dialect":"log_event","mode":"strict","names":["x"]}`,
    )
    expect(entryOf(decodeJson(webhook, { event: "x", user: {} })).envelope).toBe(
      `{"v":1,"receivedAt":${receivedAt},"dialect":"event_webhook","mode":"lenient","names":["x"]}`,
    )
  })

  it("holds the offset as measured, the key's id, the SDK facts and the places of refused events", () => {
    const head = { ...sdk, clientTimeHeader: String(receivedAt - 1500), keyId: "k", sessionID: "s" }
    expect(JSON.parse(entryOf(decodeJson(head, { events: [null, good, {}] })).envelope)).toEqual({
      v: 1,
      receivedAt,
      offset: 1500,
      dialect: "log_event",
      mode: "lenient",
      keyId: "k",
      sdkType: "py-server",
      sdkVersion: "0.71.6",
      sessionID: "s",
      rejected: [0, 2],
      names: ["x"],
    })
  })

  it("holds what is to be kept of the client", () => {
    const client = { ip: "192.0.2.1", userAgent: 'an "agent"', country: "DE" }
    const { envelope } = entryOf(decodeJson({ ...plainHttp, client }, { events: [good] }))
    expect(JSON.parse(envelope)).toMatchObject({ ...client, names: ["x"] })
    expect(envelope).toMatch(/,"names":\["x"\]\}$/)
    const none = entryOf(decodeJson({ ...plainHttp, client: null }, { events: [good] }))
    expect(none).toEqual(entryOf(decodeJson(plainHttp, { events: [good] })))
  })
})

test("isEnvelope accepts exactly what its schema accepts", () => {
  const whole = {
    v: 1,
    receivedAt,
    offset: -3,
    clock: "us",
    dialect: "log_event",
    mode: "strict",
    keyId: "k",
    sdkType: "py-server",
    sdkVersion: "0.71.6",
    sessionID: "s",
    ip: "192.0.2.1",
    userAgent: "agent",
    country: "DE",
    rejected: [0, 2],
    names: ["x"],
  }
  const isValid = Schema.is(Entry.Envelope)
  const change = fc.record({
    key: fc.constantFrom(...Object.keys(whole), "another"),
    value: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(1, "event_webhook", "lenient", "s", "none", [1, "x"], undefined),
    ),
  })
  const seen = { valid: 0, invalid: 0 }
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
      const changed = { ...whole, ...Object.fromEntries(changes.map(({ key, value }) => [key, value])) }
      const json: Json = JSON.parse(JSON.stringify(changed))
      expect(Entry.isEnvelope(json)).toBe(isValid(json))
      seen[isValid(json) ? "valid" : "invalid"] += 1
    }),
    { numRuns: 2_000 },
  )
  expect(Math.min(seen.valid, seen.invalid)).toBeGreaterThan(200)
})

describe("decode", () => {
  const entry = entryOf(decodeJson(sdk, { events: [good, good] }))

  it("gives the entry's own id and receive time", () => {
    expect(read(entry)).toMatchObject({ id, receivedAt })
  })

  it("gives the same again: nothing is consumed", () => {
    expect(plain(read(entry))).toStrictEqual(plain(read(entry)))
  })

  it("refuses a version it does not know", () => {
    const envelope = JSON.stringify({ ...JSON.parse(entry.envelope), v: 2 })
    expect(failureOf(Entry.decode({ ...entry, envelope }))).toEqual(
      new Entry.EntryError({ message: "the envelope is of an unknown version" }),
    )
  })

  it.each([
    ["", "the envelope is not JSON"],
    ["null", "the envelope is not JSON"],
    ["[]", "the envelope is not JSON"],
    ["{}", "the envelope is of an unknown version"],
    ['{"v":"1"}', "the envelope is of an unknown version"],
    ['{"v":1}', "the envelope is damaged"],
    ['{"v":1,"receivedAt":"1","dialect":"log_event","mode":"strict"}', "the envelope is damaged"],
    ['{"v":1,"receivedAt":1,"dialect":"other","mode":"strict"}', "the envelope is damaged"],
    ['{"v":1,"receivedAt":1,"dialect":"log_event","mode":"strict","offset":null}', "the envelope is damaged"],
  ])("refuses the envelope %j", (envelope, message) => {
    expect(failureOf(Entry.decode({ ...entry, envelope })).message).toBe(message)
  })

  it.each([
    ["", "the body is damaged"],
    ["{", "the body is damaged"],
    ["[]", "the body is damaged"],
    ['{"events":5}', "the body is damaged"],
    ['{"events":[{"eventName":"x"},null]}', "an event is damaged"],
    ['{"events":[{"eventName":"x"},{"eventName":5}]}', "an event is damaged"],
    ['{"events":[{"eventName":"x"},{"eventName":"x","time":"soon"}]}', "an event is damaged"],
    ['{"events":[{"eventName":"x"}]}', "the body holds another number of events"],
    [
      '{"events":[{"eventName":"x"},{"eventName":"x"},{"eventName":"x"}]}',
      "the body holds another number of events",
    ],
  ])("refuses the body %j", (body, message) => {
    expect(failureOf(Entry.decode({ ...entry, body: bytesOf(body) })).message).toBe(message)
  })

  it("never throws, whatever a store gives back", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.constant(entry.envelope)),
        fc.oneof(fc.uint8Array(), fc.json().map(bytesOf)),
        (envelope, body) => {
          expect(failureOf(Entry.decode({ id, events: 1, envelope, body }))).toBeInstanceOf(Entry.EntryError)
        },
      ),
      { numRuns: 1000 },
    )
  })
})

describe("an entry that is decoded in slices", () => {
  const shown = (result: ReturnType<typeof Entry.decode>) =>
    Result.isFailure(result)
      ? result.failure.message
      : {
          ...plain(result.success),
          exact: ExactJson.stringify(exactStatsigMetadataOf(result.success)),
          exactEvents: plain({ ...result.success, events: result.success.events.map(exactOf) }).events.map(
            (event) => ExactJson.stringify(event as unknown as Json),
          ),
        }

  it("is what it is when it is decoded at once", () => {
    const seen = { outlined: 0, parsed: 0 }
    fc.assert(
      fc.property(anyHead, dirtyBody, (head, text) => {
        const bytes = Buffer.from(text, "latin1")
        const accepted = Wire.decode(head, bytes, id, limits)
        if (Result.isFailure(accepted) || accepted.success.entry === null) return
        const { entry } = accepted.success
        // A number with an exponent has to be parsed.
        const odd = {
          ...entry,
          body: Buffer.from(
            Buffer.from(entry.body)
              .toString()
              .replace(/\}\s*$/, ',"x":1e3}'),
          ),
        }
        for (const one of [
          entry,
          odd,
          { ...odd, events: odd.events + 1 },
          { ...odd, body: odd.body.subarray(1) },
        ]) {
          expect(shown(toTheEnd(Entry.decodeInSlices(one, new Slice(1))))).toEqual(shown(Entry.decode(one)))
        }
        seen[
          Outline.read(entry.body, { events: 100, nesting: 64, strictly: false }) === null
            ? "parsed"
            : "outlined"
        ] += 1
      }),
      { numRuns: 5_000 },
    )
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(50)
  })

  it("has a yield after each bounded amount of work", () => {
    const event = (n: number) => ({ ...good, eventName: `e${n}`, metadata: { a: "x".repeat(900) } })
    const events = Array.from({ length: 1_500 }, (_, n) => event(n))
    for (const [head, body] of [
      [sdk, { events }],
      [sdk, { events: [...events, { ...good, time: "2026-11-01" }] }],
      [webhook, events],
    ] as const) {
      const entry = entryOf(decodeJson(head, body))
      expect(entry.body.length).toBeGreaterThan(1024 * 1024)
      const slices = Entry.decodeInSlices(entry)
      let yields = 0
      while (slices.next().done !== true) yields += 1
      expect(yields).toBeGreaterThanOrEqual(Math.floor(entry.body.length / sliceBytes))
    }
  })
})
