import { describe, expect, it, onTestFinished, vi } from "vitest"
import type { Reading } from "../src/evaluating/EvaluatingSdk.ts"
import { evaluatingSdks, keys, type ProjectUser, startStandIn, users } from "../src/index.ts"

const start = async () => {
  const standIn = await startStandIn({ keys })
  onTestFinished(standIn.close)
  return standIn
}

type Readings = ReadonlyArray<readonly [user: ProjectUser, reading: Reading]>

const readStraight = async (sdk: (typeof evaluatingSdks)[number], url: string): Promise<Readings> => {
  const started = await sdk.start(url)
  const readings: Array<readonly [ProjectUser, Reading]> = []
  for (const user of users) {
    readings.push([user, await started.read(user)])
    started.log("visited", "once", { by: user.userID })
  }
  await started.shutdown()
  return readings
}

/** The users for whom a gate is on. */
const on = (readings: Readings, gate: string) =>
  readings.filter(([, { gates }]) => gates[gate]!.value).map(([{ userID }]) => userID)

/** The values alone: each SDK gives reasons in words of its own. */
const valuesOf = (readings: Readings) =>
  readings.map(([, { gates, configs, experiments, layers }]) =>
    [gates, configs, experiments, layers].map((kind) =>
      Object.entries(kind).map(([name, { value }]) => [name, value]),
    ),
  )

describe.each(evaluatingSdks)("$name, straight at the stand-in", (sdk) => {
  it("finds gates on and off, groups of experiments and a layer", async () => {
    const standIn = await start()
    const readings = await readStraight(sdk, standIn.url)
    const all = users.map(({ userID }) => userID)
    expect(on(readings, "everybody")).toEqual(all)
    expect(on(readings, "nobody")).toEqual([])
    expect(on(readings, "switched_off")).toEqual([])
    expect(on(readings, "unknown")).toEqual([])
    expect(on(readings, "germans")).toEqual(["user-0", "user-3", "user-6", "user-9"])
    expect(on(readings, "testers")).toEqual(["user-1", "user-4", "user-9"])
    expect(on(readings, "half").length).toBeGreaterThan(1)
    expect(on(readings, "half").length).toBeLessThan(all.length - 1)

    const currencies = readings.map(
      ([, { configs }]) => (configs["shop"]!.value as { currency: string }).currency,
    )
    expect(new Set(currencies)).toEqual(new Set(["EUR", "USD"]))
    const groups = readings.map(([, { experiments }]) => experiments["button"]!.groupName)
    expect(new Set(groups)).toEqual(new Set(["Control", "Test"]))
    const heights = readings.map(([, { layers }]) => layers["header"]!.value["height"])
    expect(new Set(heights)).toEqual(new Set([1, 3]))
    expect(readings.map(([, { layers }]) => layers["header"]!.value["title"])).toEqual(all.map(() => "Shop"))
  })

  it("sends every event there, with its key", async () => {
    const standIn = await start()
    await readStraight(sdk, standIn.url)
    await standIn.until(users.length, "visited")
    const counts = new Map<string, number>()
    for (const { eventName } of standIn.events()) counts.set(eventName, (counts.get(eventName) ?? 0) + 1)
    expect(counts.get("visited")).toBe(users.length)
    expect(counts.get("statsig::gate_exposure")).toBeGreaterThan(users.length)
    expect(counts.get("statsig::layer_exposure")).toBe(users.length * 2)
    expect(new Set(standIn.logged.map(({ key }) => key))).toEqual(new Set([sdk.key]))
  })
})

it("all SDKs say the same of a user", async () => {
  const standIn = await start()
  const readings: Array<unknown> = []
  for (const sdk of evaluatingSdks) readings.push(valuesOf(await readStraight(sdk, standIn.url)))
  for (const reading of readings) expect(reading).toEqual(readings[0])
})

describe("the stand-in", () => {
  const [serverKey] = keys.server
  const [clientKey] = keys.client
  const specs = (url: string, key: string, query = "") =>
    fetch(`${url}/v1/download_config_specs/${key}.json${query}`)

  it("has nothing new for who has its specs", async () => {
    const { url } = await start()
    const full = await specs(url, serverKey)
    const { time } = (await full.json()) as { time: number }
    expect(await (await specs(url, serverKey, `?sinceTime=${time}`)).json()).toEqual({ has_updates: false })
    expect(await (await specs(url, serverKey, `?sinceTime=${time - 1}`)).json()).toMatchObject({
      has_updates: true,
    })
  })

  it("gives specs to servers it knows, and to nobody else", async () => {
    const { url } = await start()
    const statuses = [serverKey, clientKey, "secret-other"].map(async (key) => (await specs(url, key)).status)
    expect(await Promise.all(statuses)).toEqual([200, 403, 401])
  })

  it("is away, and back at the same place", async () => {
    const { url, away, back, held, requests } = await start()
    await away("unavailable")
    expect((await specs(url, serverKey)).status).toBe(503)
    await away("refusing")
    await expect(specs(url, serverKey)).rejects.toThrow()
    await back()
    expect((await specs(url, serverKey)).status).toBe(200)
    await away("hanging")
    const hanging = expect(specs(url, serverKey)).rejects.toThrow()
    await vi.waitFor(() => expect(held()).toBe(1), { timeout: 20_000 })
    await back()
    await hanging
    expect(requests.map(({ status }) => status)).toEqual([200])
  })

  it("hashes names as it is asked to", async () => {
    const { url } = await start()
    const gatesOf = async (hash: string) => {
      const body = JSON.stringify({ user: users[0], hash })
      const reply = await fetch(`${url}/v1/initialize?k=${clientKey}`, { method: "POST", body })
      return Object.keys(((await reply.json()) as { feature_gates: object }).feature_gates)
    }
    expect(await gatesOf("none")).toContain("everybody")
    expect((await gatesOf("djb2")).every((name) => /^\d+$/.test(name))).toBe(true)
    expect((await gatesOf("sha256")).every((name) => name.length === 44)).toBe(true)
  })
})
