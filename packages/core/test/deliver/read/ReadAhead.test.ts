import { setImmediate } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { describe, expect, test } from "vitest"
import { ReadAhead, type Reader } from "../../../src/deliver/read/ReadAhead.ts"
import type { LogEntry } from "../../../src/ports/EventLog.ts"
import * as Position from "../../../src/ports/Position.ts"
import { decodeJson, entryOf, sdk } from "../../support/wire.ts"

const at = Position.fromNumber

const entryAt = (number: number, eventName: string): LogEntry => ({
  ...entryOf(decodeJson(sdk, { events: [{ eventName, user: { userID: "u" }, time: 1 }] })),
  position: at(number),
  appendedAt: 0,
})

const shown = (ahead: ReadAhead, after: number, reader: Partial<Reader> = {}) => {
  const seen: Array<string> = []
  const exit = Effect.runSyncExit(
    ahead.show(at(after), {
      wants: (eventName) => eventName !== "unwanted",
      look: ({ before, position }) => seen.push(`${before} ${position}`),
      pass: ({ position }) => seen.push(`past ${position}`),
      goOn: () => true,
      isAt: () => true,
      ...reader,
    }),
  )
  return { seen, failed: Exit.isFailure(exit) }
}

describe("entries read ahead", () => {
  const entries = [entryAt(1, "a"), entryAt(2, "unwanted"), entryAt(4, "b")]
  const damaged = (number: number): LogEntry => ({ ...entryAt(number, "a"), body: new Uint8Array(3) })

  test("are shown in order, once, those wanted decoded and the others passed by", () => {
    const ahead = new ReadAhead()
    ahead.fill(at(0), entries)
    expect(shown(ahead, 0).seen).toEqual([`${at(0)} ${at(1)}`, `past ${at(2)}`, `${at(2)} ${at(4)}`])
    expect([0, 1, 2, 4].some((number) => ahead.has(at(number)))).toBe(false)
  })

  test("wait for a reader that stops, at the place where it stands and no other", () => {
    const ahead = new ReadAhead()
    ahead.fill(at(0), entries)
    expect(shown(ahead, 0, { goOn: () => false }).seen).toHaveLength(1)
    expect([ahead.has(at(0)), ahead.has(at(1)), ahead.has(at(2))]).toEqual([false, true, false])
    expect(shown(ahead, 0).seen).toEqual([])
    expect(shown(ahead, 1).seen).toEqual([`past ${at(2)}`, `${at(2)} ${at(4)}`])
  })

  test("that are cleared are not shown", () => {
    const ahead = new ReadAhead()
    ahead.fill(at(0), entries)
    ahead.clear()
    expect(ahead.has(at(0))).toBe(false)
    expect(shown(ahead, 0).seen).toEqual([])
  })

  test("are read again from the first on whose body was left out and is wanted", () => {
    const ahead = new ReadAhead()
    const without = (one: LogEntry): LogEntry => ({
      ...one,
      body: new Uint8Array(0),
      leftOut: one.body.byteLength,
    })
    ahead.fill(at(0), [entryAt(1, "a"), without(entryAt(2, "unwanted")), without(entryAt(3, "a"))])
    expect(shown(ahead, 0)).toEqual({ seen: [`${at(0)} ${at(1)}`, `past ${at(2)}`], failed: false })
    expect(ahead.has(at(2))).toBe(false)
    ahead.fill(at(2), [entryAt(3, "a")])
    expect(shown(ahead, 2).seen).toEqual([`${at(2)} ${at(3)}`])
  })

  test("stop at one that is damaged, each time, behind those before it", () => {
    const ahead = new ReadAhead()
    ahead.fill(at(0), [entryAt(1, "a"), damaged(2), entryAt(3, "a")])
    expect(shown(ahead, 0)).toEqual({ seen: [`${at(0)} ${at(1)}`], failed: true })
    expect(shown(ahead, 1)).toEqual({ seen: [], failed: true })
  })

  describe("that are large", () => {
    /** Larger than what is outlined in one go. */
    const large = (number: number): LogEntry => {
      const event = { eventName: "large", user: { userID: "u" }, time: 1, value: "x".repeat(1_000) }
      return {
        ...entryOf(decodeJson(sdk, { events: Array(1_500).fill(event) })),
        position: at(number),
        appendedAt: 0,
      }
    }
    const largeEntries = [entryAt(1, "a"), large(2), entryAt(3, "b"), large(4)]

    const reader = (seen: Array<string>, more: Partial<Reader> = {}): Reader => ({
      wants: () => true,
      look: ({ position, entry }) => seen.push(`${position} ${entry.events.length}`),
      pass: () => {},
      goOn: () => true,
      isAt: () => true,
      ...more,
    })

    test("are shown in their order, and others have their turns meanwhile", async () => {
      const ahead = new ReadAhead()
      const seen: Array<string> = []
      ahead.fill(at(0), largeEntries)
      const showing = Effect.runPromise(ahead.show(at(0), reader(seen)))
      expect(seen).toEqual([`${at(1)} 1`])
      await setImmediate()
      await setImmediate()
      expect(seen).toEqual([`${at(1)} 1`])
      await showing
      expect(seen).toEqual([`${at(1)} 1`, `${at(2)} 1500`, `${at(3)} 1`, `${at(4)} 1500`])
      expect(ahead.has(at(4))).toBe(false)
    })

    test("are not shown to a reader that stands elsewhere by then", async () => {
      const ahead = new ReadAhead()
      const seen: Array<string> = []
      const asked: Array<unknown> = []
      ahead.fill(at(0), largeEntries)
      const isAt: Reader["isAt"] = (before) => {
        asked.push(before)
        return false
      }
      await Effect.runPromise(ahead.show(at(0), reader(seen, { isAt })))
      expect(seen).toEqual([`${at(1)} 1`])
      expect(asked).toEqual([at(1)])
      expect(ahead.has(at(1))).toBe(false)
    })

    test("are forgotten when the reader lets go of what was read", async () => {
      const ahead = new ReadAhead()
      const seen: Array<string> = []
      ahead.fill(at(0), largeEntries)
      const showing = Effect.runPromise(ahead.show(at(0), reader(seen)))
      ahead.clear()
      await showing
      expect(seen).toEqual([`${at(1)} 1`])
    })

    test("stop it when they are damaged", async () => {
      const ahead = new ReadAhead()
      const seen: Array<string> = []
      const whole = large(2)
      ahead.fill(at(0), [{ ...whole, body: whole.body.subarray(1) }])
      const exit = await Effect.runPromise(Effect.exit(ahead.show(at(0), reader(seen))))
      expect(Exit.isFailure(exit)).toBe(true)
      expect(seen).toEqual([])
      expect(ahead.has(at(0))).toBe(true)
    })
  })
})
