import { evaluatingSdks, keys, users } from "@millrace/test-sdks"
import { describe, expect, it, vi } from "vitest"
import { startFront } from "./support/sdkFront.ts"

const [clientKey] = keys.client

const servers = evaluatingSdks.filter(({ isServer }) => isServer)

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
})
