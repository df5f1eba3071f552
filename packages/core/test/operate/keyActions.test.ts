import { describe, expect, test } from "vitest"
import { sdk, start } from "../support/views.ts"

const events = { events: [{ eventName: "a" }] }

describe("keys", () => {
  test("are made, shown once, used at once, and taken back at once", async () => {
    const pipeline = await start()
    const post = async (key: string) =>
      (await pipeline.post(events, { headers: { "statsig-api-key": key, ...sdk } })).status
    const { id, key } = await pipeline.createKey(" the shop ", "client")
    expect(key).toMatch(/^client-[0-9a-f]{40}$/)
    const createdAt = pipeline.now()
    expect(await post(key)).toBe(202)
    await pipeline.advance("1 minute")
    expect(await post(key)).toBe(202)
    const keys = await pipeline.keys()
    expect(keys).toEqual([
      expect.objectContaining({ name: null, kind: "server", hint: null, origin: "configured", events: 0 }),
      {
        ...{ id, name: "the shop", kind: "client", hint: key.slice(-4), origin: "added", createdAt },
        ...{ lastUsedAt: pipeline.now(), events: 2 },
      },
    ])
    expect(JSON.stringify(keys)).not.toContain(key)
    await pipeline.revokeKey(id)
    expect(await post(key)).toBe(401)
    expect(await pipeline.keys()).toHaveLength(1)
  })

  test("name what entries name them by", async () => {
    const pipeline = await start({ destinations: [] })
    await pipeline.log({ eventName: "a" })
    const [configured] = await pipeline.keys()
    for await (const told of await pipeline.findEvents({})) {
      if ("row" in told) expect(told.row[7]).toBe(configured!.id)
    }
    expect(configured).toMatchObject({ events: 1, lastUsedAt: pipeline.now(), createdAt: null })
  })

  test("of the configuration stay, and others are not known", async () => {
    const pipeline = await start()
    const [configured] = await pipeline.keys()
    await expect(pipeline.revokeKey(configured!.id)).rejects.toMatchObject({ _tag: "KeyConfigured" })
    await expect(pipeline.revokeKey("00000000")).rejects.toMatchObject({ _tag: "UnknownKey" })
    for (const name of ["", "  ", "x".repeat(101)]) {
      await expect(pipeline.createKey(name, "server")).rejects.toMatchObject({ _tag: "InvalidOptions" })
    }
    expect(await pipeline.keys()).toHaveLength(1)
  })

  test("are known after a restart", async () => {
    const pipeline = await start()
    const { id, key } = await pipeline.createKey("kept", "server")
    await pipeline.close()
    await pipeline.restart()
    expect(await pipeline.keys()).toContainEqual(
      expect.objectContaining({ id, name: "kept", hint: key.slice(-4), lastUsedAt: null }),
    )
    expect((await pipeline.post(events, { headers: { "statsig-api-key": key, ...sdk } })).status).toBe(202)
  })
})
