import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, test } from "vitest"
import { EventLog } from "../../../src/ports/EventLog.ts"
import * as Store from "../../../src/ports/Store.ts"
import { hook, open, sdk, start } from "../../support/views.ts"

/** Counts the entries of each read of the log. */
const countReads = (reads: Array<number>) =>
  Layer.effect(
    EventLog,
    Effect.map(EventLog, (log) => ({
      ...log,
      read: (...args: Parameters<typeof log.read>) =>
        Effect.tap(log.read(...args), (entries) => Effect.sync(() => void reads.push(entries.length))),
    })),
  )

describe("live", () => {
  test("tells each quarter of a second how much has arrived, with some of it", async () => {
    const pipeline = await start({
      destinations: [hook, { ...hook, id: "off", url: "https://off.test/", filter: { include: [] } }],
    })
    const view = await open(pipeline, { topics: ["live"] })
    const first = view.frame()
    await pipeline.advance(1)
    await pipeline.log(
      { eventName: "a", value: 3, statsigMetadata: { sdkType: "js", sdkVersion: "1" } },
      { eventName: "b" },
    )
    await pipeline.advance(249)
    const frame = await first
    expect(frame).toMatchObject({
      arrived: 2,
      matched: 2,
      looked: 2,
      missed: 0,
      ids: ["hook", "off"],
      dead: [],
    })
    const [row, other] = frame.rows
    expect(row!.slice(1)).toEqual([
      frame.at - 249,
      "a",
      "custom",
      "a-user",
      "3",
      "js 1",
      expect.any(String),
      "pf",
      (await pipeline.event({ place: row![0] })).timeUUID,
    ])
    expect(other!.slice(2, 4)).toEqual(["b", "custom"])
    const [partition, position, index] = row![0].split("/")
    expect([partition, index]).toEqual(["0", "0"])
    expect(frame.cursors["hook"]).toEqual([position])
    const next = view.frame()
    await pipeline.advance(250)
    expect(await next).toMatchObject({ arrived: 0, rows: [] })
  })

  test("decodes one entry a frame however much comes, four rows a second, the same for all", async () => {
    const reads: Array<number> = []
    const pipeline = await start({
      destinations: [],
      store: () => Layer.provideMerge(countReads(reads), Store.layerMemory()),
    })
    const one = await open(pipeline, { topics: ["live"] })
    const two = await open(pipeline, { topics: ["live"] })
    let rows = 0
    let arrived = 0
    for (let frames = 0; frames < 40; frames++) {
      const next = Promise.all([one.next(), two.next()])
      for (let entry = 0; entry < 20; entry++)
        await pipeline.log({ eventName: `e${frames}` }, { eventName: "z" })
      await pipeline.advance(250)
      const [told, same] = await next
      expect(told).toBe(same)
      if (!("frame" in told)) throw new Error("no frame")
      const { frame } = told
      expect(frame.rows.every(([, , name]) => name === `e${frames}` || name === "z")).toBe(true)
      rows += frame.rows.length
      arrived += frame.arrived
    }
    expect(arrived).toBe(1600)
    expect(reads).toHaveLength(40)
    expect(new Set(reads)).toEqual(new Set([1]))
    expect(rows).toBeLessThanOrEqual(44)
    expect(rows).toBeGreaterThanOrEqual(36)
  })

  test("shows every event while they are few", async () => {
    const pipeline = await start({ destinations: [] })
    const view = await open(pipeline, { topics: ["live"] })
    const names: Array<string> = []
    for (let frames = 0; frames < 60; frames++) {
      const next = view.frame()
      if (frames % 10 === 0) {
        await pipeline.log({ eventName: `a${frames}` })
        await pipeline.log({ eventName: `b${frames}` })
      }
      await pipeline.advance(250)
      names.push(...(await next).rows.map(([, , name]) => name))
    }
    expect(names).toEqual([0, 10, 20, 30, 40, 50].flatMap((at) => [`a${at}`, `b${at}`]))
  })

  const events = [
    { eventName: "page_view", user: { userID: "ada" }, metadata: { page: '/a"b' } },
    { eventName: "page_leave", user: { userID: "bob", customIDs: { companyID: "ada" } } },
    { eventName: "statsig::gate_exposure", user: { userID: "eve" }, metadata: { gate: "g" } },
    { eventName: "pay", user: { userID: 12, email: "ada@x.test" }, value: 3 },
  ]

  test.each([
    [{ user: "ada" }, ["page_view", "page_leave"]],
    [{ user: "12" }, ["pay"]],
    [{ name: "page_*" }, ["page_view", "page_leave"]],
    [{ name: "page" }, []],
    [{ name: "pay" }, ["pay"]],
    [{ text: "ada@x" }, ["pay"]],
    [{ text: '/a"b' }, ["page_view"]],
    [{ category: "exposures" as const }, ["statsig::gate_exposure"]],
    [{ user: "ada", name: "*_view", category: "custom" as const }, ["page_view"]],
  ])("narrowed to %j shows every match", async (live, names) => {
    const pipeline = await start()
    const view = await open(pipeline, { topics: ["live"], live })
    const next = view.frame()
    for (const event of events) await pipeline.post({ events: [event] }, { headers: sdk })
    await pipeline.advance(250)
    const frame = await next
    expect(frame.rows.map(([, , name]) => name)).toEqual(names)
    expect(frame).toMatchObject({ arrived: 4, matched: names.length, looked: 4 })
  })

  test("narrowed has 50 rows a frame at most, and says how many matched", async () => {
    const pipeline = await start({ destinations: [] })
    const view = await open(pipeline, { topics: ["live"], live: { name: "a" } })
    const next = view.frame()
    for (let entry = 0; entry < 30; entry++)
      await pipeline.log({ eventName: "a" }, { eventName: "a" }, { eventName: "b" })
    await pipeline.advance(250)
    const { rows, ...frame } = await next
    expect(rows).toHaveLength(50)
    expect(frame).toMatchObject({ arrived: 90, matched: 60, looked: 90 })
  })

  test("tells a view that does not drain how many frames it has missed, and keeps none for it", async () => {
    const pipeline = await start({ destinations: [] })
    const view = await open(pipeline, { topics: ["live"] })
    const first = view.frame()
    await pipeline.advance(250)
    expect((await first).missed).toBe(0)
    for (let frames = 0; frames < 10; frames++) {
      await pipeline.log({ eventName: "a" })
      await pipeline.advance(250)
    }
    const late = await view.frame()
    expect(late).toMatchObject({ at: pipeline.now(), missed: 9 })
    const next = view.frame()
    await pipeline.advance(250)
    expect((await next).missed).toBe(0)
  })

  test("shows what was refused on arrival: the newest first of all, then what comes", async () => {
    const pipeline = await start()
    const refuse = (eventName: string) =>
      pipeline.post({ events: [{ eventName, time: "never" }] }, { headers: sdk })
    await refuse("before")
    const view = await open(pipeline, { topics: ["live"], live: { rejected: true } })
    const first = view.frame()
    await pipeline.advance(250)
    const [row] = (await first).rows
    expect(row!.slice(2, 4)).toEqual(["before", "custom"])
    expect(row![0]).toMatch(/^intake\/[0-9a-f-]{36}$/)
    expect(row![5]).toMatch(/^events\[0\]/)
    const next = view.frame()
    await refuse("after")
    await pipeline.advance(250)
    expect((await next).rows.map(([, , name]) => name)).toEqual(["after"])
  })

  test("names what has died meanwhile as its rows do", async () => {
    const pipeline = await start()
    pipeline
      .receiver("hook")
      .answer((sent) => (sent.some(({ eventName }) => eventName === "bad") ? 422 : 200))
    const view = await open(pipeline, { topics: ["live"], live: { name: "bad" } })
    const dead: Array<readonly [string, string]> = []
    const rows: Array<string> = []
    const reading = (async () => {
      for (let frames = 0; frames < 60; frames++) {
        const frame = await view.frame()
        dead.push(...frame.dead)
        rows.push(...frame.rows.map((row) => row[9]))
      }
    })()
    await pipeline.log({ eventName: "bad" }, { eventName: "good" })
    for (let frames = 0; frames < 60; frames++) {
      await pipeline.log({ eventName: "good" })
      await pipeline.advance("2 seconds")
    }
    await reading
    const letters = await pipeline.deadLetters()
    expect(letters).toHaveLength(1)
    expect(dead).toEqual(letters.map(({ destination, eventId }) => [destination, eventId]))
    expect(rows).toEqual(letters.map(({ eventId }) => eventId))
    // Whoever looks later has rows from before.
    const later = await open(pipeline, { topics: ["live"] })
    const first = later.frame()
    await pipeline.advance(250)
    expect((await first).dead).toEqual(dead)
    const next = later.frame()
    await pipeline.advance(250)
    expect((await next).dead).toEqual([])
  })

  test("has room for 50 different queries, and for 500 views", async () => {
    const pipeline = await start({ destinations: [] })
    const views = []
    for (let at = 0; at < 50; at++)
      views.push(await open(pipeline, { topics: ["live"], live: { name: `n${at}` } }))
    await Promise.all([pipeline.advance(250), ...views.map((view) => view.frame())])
    await expect(open(pipeline, { topics: ["live"], live: { name: "another" } })).rejects.toMatchObject({
      _tag: "TooManyViews",
      most: 50,
    })
    const same = await open(pipeline, { topics: ["live"], live: { name: "n1" } })
    await views[0]!.end()
    const another = await open(pipeline, { topics: ["live"], live: { name: "another" } })
    await Promise.all([pipeline.advance(250), same.frame(), another.frame()])
    for (let at = 51; at < 500; at++) {
      const view = await open(pipeline, { topics: ["live"] })
      views.push(view)
      void view.frame()
      await Promise.resolve()
    }
    await pipeline.advance(250)
    await expect(open(pipeline, { topics: ["live"] })).rejects.toMatchObject({
      _tag: "TooManyViews",
      most: 500,
    })
  })
})
