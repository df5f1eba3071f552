import { type EvaluatingSdk, evaluatingSdks, keys, users } from "@millrace/test-sdks"
import { describe, expect, it, vi } from "vitest"
import { startFront } from "./support/sdkFront.ts"

const [clientKey] = keys.client

const servers = evaluatingSdks.filter(({ isServer }) => isServer)

/** How long Statsig is away at least, in milliseconds. */
const absence = 20_000

const absent = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, absence))

describe.each(["refusing", "unavailable", "hanging"] as const)("while Statsig is away, %s", (how) => {
  it.each(servers)("a $name that starts meanwhile has its gates", async ({ start }) => {
    const { standIn, url } = await startFront({ freshFor: 1 })
    const before = await start(url)
    const wanted = await Promise.all(users.map(before.read))
    await before.shutdown()

    await standIn.away(how)
    const sdk = await start(url)
    expect(JSON.stringify(await Promise.all(users.map(sdk.read)))).toBe(JSON.stringify(wanted))
    await sdk.shutdown()
  })

  it("a client is told so, and served again when Statsig is back", async () => {
    const { standIn, url } = await startFront({ freshFor: 1 })
    const ask = () =>
      fetch(`${url}/v1/initialize?k=${clientKey}`, {
        method: "POST",
        body: JSON.stringify({ user: users[0] }),
      })
    expect((await ask()).status).toBe(200)
    await standIn.away(how)
    expect((await ask()).status).toBe(503)
    await standIn.back()
    await vi.waitFor(async () => expect((await ask()).status).toBe(200), { timeout: 20_000, interval: 200 })
  })

  it("no event is lost, and those of a user arrive in order, whoever has sent them", async () => {
    const { standIn, webhook, url, close } = await startFront()
    const sdks: Array<EvaluatingSdk> = []
    for (const { start } of evaluatingSdks) sdks.push(await start(url))
    const userAt = (n: number) => users[Math.floor(n / 2) % 2]!
    for (const [n, sdk] of sdks.entries()) await sdk.read(userAt(n))
    /** Each event by another SDK than the one before it, and taken before the next is logged. */
    const log = async (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        const sdk = sdks[n % sdks.length]!
        sdk.log("ordered", n, {})
        await sdk.flush()
        await webhook.until(n + 1, "ordered")
      }
    }
    await log(0, 8)
    await standIn.until(8, "ordered")
    await standIn.away(how)
    const gone = absent()
    await log(8, 72)
    await gone
    await standIn.back()
    await log(72, 80)
    for (const sdk of sdks) await sdk.shutdown()
    await standIn.until(80, "ordered")
    await close()
    const ordered = standIn.events().filter(({ eventName }) => eventName === "ordered")
    const all = Array.from({ length: 80 }, (_, n) => n)
    for (const user of [userAt(0), userAt(2)]) {
      const { userID } = user
      expect(ordered.filter((event) => event.user?.["userID"] === userID).map(({ value }) => value)).toEqual(
        all.filter((n) => userAt(n) === user),
      )
    }
    expect(ordered).toHaveLength(all.length)
  })
})
