import { createServer, type Millrace } from "@millrace/node"
import { describeBrowser, keys, type PageSdks, startReceiving } from "@millrace/test-sdks"
import { describe, expect, it, onTestFinished } from "vitest"

const [key] = keys.client

type Options = Pick<Parameters<typeof Millrace.make>[0], "cors" | "paths">

/** Millrace at an origin of its own, and what has arrived at its webhook. */
const serve = async (options: Options = {}) => {
  const { webhook, millrace } = await startReceiving(options)
  const server = createServer(millrace)
  const { port } = await server.listen(0)
  const close = async () => {
    await server.close(0)
    await millrace.close()
  }
  onTestFinished(close)
  return {
    url: `http://127.0.0.1:${port}`,
    until: webhook.until,
    /** The names of events, once this many have arrived and nothing more can. */
    arrived: async (count: number) => {
      await webhook.until(count)
      await close()
      return webhook.events.map(({ eventName }) => eventName).sort()
    },
  }
}

describeBrowser("a page of another origin", (open) => {
  /** An SDK that is busy with a timer's flush when its page is left loses what came after. */
  const withoutTimers = async () => {
    const { page } = await open()
    await page.clock.install()
    await page.clock.pauseAt(Date.now() + 60_000)
    return page
  }

  const body = (...names: ReadonlyArray<string>) =>
    JSON.stringify({
      events: names.map((eventName) => ({ eventName, user: { userID: "u" }, time: Date.now() })),
    })

  describe.each([
    ["whatever its origin", "*"],
    ["of an origin that is listed", "listed"],
  ] as const)("%s", (_, origins) => {
    const visit = async () => {
      const { page, origin } = await open()
      const served = await serve(origins === "*" ? {} : { cors: { origins: [origin] } })
      return { page, target: `${served.url}/v1/log_event?k=${key}&st=own`, arrived: served.arrived }
    }

    it.each(["application/json", "text/plain", ""])(
      "has its beacon with a blob of type %j arrive",
      async (type) => {
        const { page, target, arrived } = await visit()
        const queued = await page.evaluate(
          ([url, text, type]) => navigator.sendBeacon(url, new Blob([text], { type })),
          [target, body("left"), type] as const,
        )
        expect(queued).toBe(true)
        expect(await arrived(1)).toEqual(["left"])
      },
    )

    it.each(["application/json", "text/plain"])(
      "has what it sends while it is left arrive, as %s",
      async (type) => {
        const { page, target, arrived } = await visit()
        await page.evaluate(
          ([url, beacon, fetched, type]) => {
            addEventListener("pagehide", () => {
              navigator.sendBeacon(url, new Blob([beacon], { type }))
              const headers = { "content-type": type }
              void fetch(url, {
                method: "POST",
                body: fetched,
                headers,
                keepalive: true,
                credentials: "include",
              })
            })
          },
          [target, body("beacon"), body("keepalive"), type] as const,
        )
        await page.goto("about:blank")
        expect(await arrived(2)).toEqual(["beacon", "keepalive"])
      },
    )

    it("reads its replies with its cookies, refusals too", async () => {
      const { page, target, arrived } = await visit()
      const ask = (url: string, text: string) =>
        page.evaluate(
          async ([url, text]) => {
            const headers = { "content-type": "application/json", "statsig-client-time": String(Date.now()) }
            const reply = await fetch(url, { method: "POST", body: text, headers, credentials: "include" })
            return [reply.status, await reply.json()]
          },
          [url, text] as const,
        )
      expect(await ask(target, body("asked"))).toEqual([202, { success: true }])
      expect(await ask(target.replace(key, "client-wrong"), body("wrong"))).toEqual([
        401,
        { message: "missing or invalid statsig-api-key", status: 401 },
      ])
      expect(await ask(target, "[")).toEqual([
        400,
        { message: expect.stringContaining("not JSON"), status: 400 },
      ])
      expect(await arrived(1)).toEqual(["asked"])
    })
  })

  it("that is not listed sends nothing that would have to be asked for, and is told so", async () => {
    const { page } = await open()
    const { url, arrived } = await serve({ cors: { origins: ["https://shop.example"] } })
    const target = `${url}/v1/log_event?k=${key}&st=own`
    const failure = await page.evaluate(
      async ([url, asking, simple]) => {
        const headers = { "content-type": "application/json" }
        const failed = await fetch(url, { method: "POST", body: asking, headers }).then(String, String)
        navigator.sendBeacon(url, simple)
        return failed
      },
      [target, body("asked"), body("simple")] as const,
    )
    expect(failure).toContain("Failed to fetch")
    // What a browser sends to anybody without asking, it sends here as well.
    expect(await arrived(1)).toEqual(["simple"])
  })

  it.each([
    ["as text", "d"],
    ["with gzip", "f"],
  ])(
    "with @statsig/js-client, %s, has every event arrive once, the last of them while it is left",
    async (_, mode) => {
      const page = await withoutTimers()
      const { url, arrived } = await serve()
      await page.evaluate(
        async ([url, key, mode]) => {
          const { StatsigClient } = (globalThis as unknown as PageSdks).Statsig
          const client = new StatsigClient(
            key,
            { userID: "ada" },
            {
              logEventCompressionMode: mode as never,
              networkConfig: {
                logEventUrl: `${url}/v1/rgstr`,
                initializeUrl: `${url}/v1/initialize`,
                sdkExceptionUrl: `${url}/v1/sdk_exception`,
              },
            },
          )
          client.dataAdapter.setData(
            JSON.stringify({
              has_updates: true,
              time: 1,
              feature_gates: {},
              dynamic_configs: {},
              layer_configs: {},
            }),
          )
          client.initializeSync({ disableBackgroundCacheRefresh: true })
          client.logEvent("first")
          await client.flush()
          client.logEvent("second", 2)
          client.logEvent("third", "3", { at: "the end" })
        },
        [url, key, mode] as const,
      )
      await page.goto("about:blank")
      expect(await arrived(3)).toEqual(["first", "second", "third"])
    },
  )

  it("with @statsig/js-client behind an ad blocker has every event arrive on a path of its own", async () => {
    const { page } = await open()
    const blocked: Array<string> = []
    await page.route(/log_event|rgstr|statsig/i, (route) => {
      blocked.push(new URL(route.request().url()).pathname)
      return route.abort("blockedbyclient")
    })
    const { url, arrived } = await serve({ paths: { log_event: ["/v1/my-product-data"] } })
    await page.evaluate(
      async ([url, key]) => {
        const { StatsigClient } = (globalThis as unknown as PageSdks).Statsig
        for (const path of ["/v1/rgstr", "/v1/my-product-data"]) {
          const urls = {
            logEventUrl: url + path,
            initializeUrl: `${url}/start`,
            sdkExceptionUrl: `${url}/oops`,
          }
          const client = new StatsigClient(key, { userID: "ada" }, { networkConfig: urls })
          client.dataAdapter.setData(JSON.stringify({ has_updates: true, time: 1 }))
          client.initializeSync({ disableBackgroundCacheRefresh: true })
          client.logEvent("seen")
          void client.flush()
        }
      },
      [url, key] as const,
    )
    expect(await arrived(1)).toEqual(["seen"])
    expect(new Set(blocked)).toEqual(new Set(["/v1/rgstr"]))
  })

  it("with statsig-js has every event arrive once, the last of them while it is left", async () => {
    const page = await withoutTimers()
    const { url, until, arrived } = await serve()
    await page.evaluate(
      async ([url, key]) => {
        const { statsig } = globalThis as unknown as PageSdks
        await statsig.initialize(
          key,
          { userID: "ada" },
          {
            api: `${url}/v1`,
            eventLoggingApi: `${url}/v1`,
            initializeValues: {},
            disableDiagnosticsLogging: true,
            disableAutoMetricsLogging: true,
          },
        )
        statsig.logEvent("first")
        statsig.flushEvents()
      },
      [url, key] as const,
    )
    // It does not say when it has flushed, and a page that is left ends what it is sending.
    await until(1)
    await page.evaluate(() => {
      const { statsig } = globalThis as unknown as PageSdks
      statsig.logEvent("second", 2)
      statsig.logEvent("third", "3", { at: "the end" })
    })
    await page.goto("about:blank")
    expect(await arrived(3)).toEqual(["first", "second", "third"])
  })
})
