import { describeBrowser, keys, type PageSdks, users } from "@millrace/test-sdks"
import { expect, it } from "vitest"
import { startFront } from "./support/sdkFront.ts"

const [key] = keys.client

/** The gates that are read in pages, for each user. */
const gatesOf = ({ country }: { readonly country: string }) => [country === "DE", "Shop"]

describeBrowser("a page of another origin, with its whole api at Millrace", (open) => {
  it("has its gates by @statsig/js-client", async () => {
    const { page } = await open()
    const { url } = await startFront()
    const seen = await page.evaluate(
      async ([api, key, users]) => {
        const { StatsigClient } = (globalThis as unknown as PageSdks).Statsig
        const client = new StatsigClient(key, users[0]!, { networkConfig: { api } })
        await client.initializeAsync()
        const all: Array<unknown> = []
        for (const user of users) {
          await client.updateUserAsync(user)
          all.push([client.checkGate("germans"), client.getLayer("header").get("title")])
        }
        return all
      },
      [`${url}/v1`, key, users] as const,
    )
    expect(seen).toEqual(users.map(gatesOf))
  })

  it("has its gates by statsig-js", async () => {
    const { page } = await open()
    const { url } = await startFront()
    const seen = await page.evaluate(
      async ([api, key, users]) => {
        const { statsig } = globalThis as unknown as PageSdks
        await statsig.initialize(key, users[0]!, { api })
        const all: Array<unknown> = []
        for (const user of users) {
          await statsig.updateUser(user)
          all.push([statsig.checkGate("germans"), statsig.getLayer("header").getValue("title")])
        }
        return all
      },
      [`${url}/v1`, key, users] as const,
    )
    expect(seen).toEqual(users.map(gatesOf))
  })
})

describeBrowser("a page with an ad blocker, on paths of one's own", (open) => {
  it("has its gates, and all of its events arrive", async () => {
    const { page } = await open()
    const blocked: Array<string> = []
    await page.route(/log_event|rgstr|initialize|statsig/i, (route) => {
      blocked.push(route.request().url())
      return route.abort("blockedbyclient")
    })
    const { standIn, webhook, url, close } = await startFront({
      paths: { log_event: ["/v1/my-product-data"], initialize: ["/v1/my-start"] },
    })
    // Whatever has a name that is known does not leave the page.
    const known = ["/v1/log_event", "/v1/rgstr", "/v1/initialize"]
    await page.evaluate(
      ([url, known]) => Promise.allSettled(known.map((path) => fetch(url + path, { method: "POST" }))),
      [url, known] as const,
    )
    expect(
      blocked
        .splice(0)
        .map((blockedUrl) => new URL(blockedUrl).pathname)
        .sort(),
    ).toEqual([...known].sort())
    const seen = await page.evaluate(
      async ([url, key, users]) => {
        const { StatsigClient } = (globalThis as unknown as PageSdks).Statsig
        const client = new StatsigClient(key, users[0]!, {
          networkConfig: {
            logEventUrl: `${url}/v1/my-product-data`,
            initializeUrl: `${url}/v1/my-start`,
            sdkExceptionUrl: `${url}/v1/oops`,
          },
        })
        await client.initializeAsync()
        const readAs = async (user: (typeof users)[number]) => {
          await client.updateUserAsync(user)
          client.logEvent("seen", user.userID)
          return [client.checkGate("germans"), client.getLayer("header").get("title")]
        }
        const all: Array<unknown> = []
        for (const user of users) all.push(await readAs(user))
        await client.shutdown()
        return all
      },
      [url, key, users] as const,
    )
    expect(seen).toEqual(users.map(gatesOf))
    await close()
    const usersIn = (events: typeof webhook.events | ReturnType<typeof standIn.events>) =>
      events.filter(({ eventName }) => eventName === "seen").map(({ value }) => value)
    expect(usersIn(webhook.events)).toEqual(users.map(({ userID }) => userID))
    // Many requests are on their way at once, for different users.
    expect(usersIn(standIn.events()).sort()).toEqual(users.map(({ userID }) => userID).sort())
    expect(blocked).toEqual([])
  })
})
