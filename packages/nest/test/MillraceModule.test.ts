import "reflect-metadata"
import { createHmac } from "node:crypto"
import { InjectMillrace, MILLRACE, MillraceModule, type ModuleOptions } from "@millrace/nest"
import type { Millrace } from "@millrace/node"
import {
  type INestApplicationContext,
  Injectable,
  type LoggerService,
  Module,
  type Type,
} from "@nestjs/common"
import { type AbstractHttpAdapter, NestFactory } from "@nestjs/core"
import { ExpressAdapter } from "@nestjs/platform-express"
import { FastifyAdapter } from "@nestjs/platform-fastify"
import { afterEach, describe, expect, it } from "vitest"

const keys = { server: ["secret-1"] }
const json = { "content-type": "application/json" }
const event = JSON.stringify({ user: { userID: "u1" }, event: "signed_up", timestamp: 1_700_000_000_000 })

let open: INestApplicationContext | undefined
afterEach(async () => {
  await open?.close()
  open = undefined
})

const moduleOf = (
  imports: NonNullable<Parameters<typeof Module>[0]["imports"]>,
  ...providers: Array<Type>
) => {
  class App {}
  Module({ imports, providers })(App)
  return App
}

const serve = async (App: Type, adapter: AbstractHttpAdapter, logger: LoggerService | false = false) => {
  const app = await NestFactory.create(App, adapter, { logger })
  open = app
  await app.listen(0, "127.0.0.1")
  const url = await app.getUrl()
  const post = (path: string, headers: Record<string, string>, body: string | Uint8Array = event) =>
    fetch(`${url}${path}`, { method: "POST", headers: { ...json, ...headers }, body: body as BodyInit })
  return { app, post }
}

const platforms = [
  ["Express", () => new ExpressAdapter()],
  ["Fastify", () => new FastifyAdapter()],
] as const

describe.each(platforms)("MillraceModule on %s", (_, adapter) => {
  const forRoot = (options: Partial<ModuleOptions> = {}) => MillraceModule.forRoot({ keys, ...options })

  it("takes events at the root, or below a path of its own", async () => {
    const { post } = await serve(moduleOf([forRoot({ path: "events/" })]), adapter())
    const key = { "statsig-api-key": "secret-1" }
    expect((await post("/events/v1/webhooks/event_webhook", key)).status).toBe(202)
    expect((await post("/v1/webhooks/event_webhook", key)).status).toBe(404)
  })

  it("gets the bytes that were signed, whatever Nest parses", async () => {
    const statsigSecret = "webhook-1"
    const { post } = await serve(moduleOf([forRoot({ receive: { statsigSecret } })]), adapter())
    const time = String(Date.now())
    const body = `  ${event}\n`
    const signature = createHmac("sha256", statsigSecret).update(`v0:${time}:${body}`).digest("hex")
    const reply = await post(
      "/v1/webhooks/event_webhook",
      { "x-statsig-request-timestamp": time, "x-statsig-signature": `v0=${signature}` },
      body,
    )
    expect([reply.status, await reply.text()]).toEqual([202, '{"success":true}'])
  })

  it("is injected everywhere, and asks other providers for its options", async () => {
    class Config {
      readonly secret = "secret-of-config"
    }
    Injectable()(Config)
    class ConfigModule {}
    Module({ providers: [Config], exports: [Config] })(ConfigModule)
    class Orders {
      readonly millrace: Millrace.Millrace
      constructor(millrace: Millrace.Millrace) {
        this.millrace = millrace
      }
    }
    Injectable()(Orders)
    InjectMillrace()(Orders, undefined as never, 0)
    class OrdersModule {}
    Module({ providers: [Orders] })(OrdersModule)

    const root = MillraceModule.forRootAsync({
      imports: [ConfigModule],
      inject: [Config],
      useFactory: async ({ secret }: Config) => ({ keys: { server: [secret] } }),
    })
    const { app, post } = await serve(moduleOf([root, OrdersModule]), adapter())
    await app.get(Orders, { strict: false }).millrace.logEvent({ event: "order_placed" })
    const reply = await post("/v1/webhooks/event_webhook", { "statsig-api-key": "secret-of-config" })
    expect(reply.status).toBe(202)
  })

  it("closes with the application, and takes nothing any more", async () => {
    const { app } = await serve(moduleOf([forRoot()]), adapter())
    const millrace = app.get<Millrace.Millrace>(MILLRACE)
    expect(await millrace.readiness()).toBeNull()
    await app.close()
    open = undefined
    expect(await millrace.readiness()).toMatchObject({ problem: "shutting down" })
  })

  it("leaves one that was given open", async () => {
    const { app: first } = await serve(moduleOf([forRoot()]), adapter())
    const millrace = first.get<Millrace.Millrace>(MILLRACE)
    const second = await NestFactory.create(
      moduleOf([MillraceModule.forRoot({ ingest: millrace })]),
      adapter(),
      {
        logger: false,
      },
    )
    await second.init()
    await second.close()
    expect(await millrace.readiness()).toBeNull()
  })
})

it("says wrong options at the start, as Nest says what it cannot make", async () => {
  const App = moduleOf([
    MillraceModule.forRoot({ keys, destinations: [{ id: "warehouse", url: "nowhere" }] }),
  ])
  await expect(
    NestFactory.create(App, new ExpressAdapter(), { logger: false, abortOnError: false }),
  ).rejects.toThrow("destinations[0].url")
})

it("delivers in an application without a server", async () => {
  const App = moduleOf([MillraceModule.forRoot({ keys })])
  open = await NestFactory.createApplicationContext(App, { logger: false })
  expect(await open.get<Millrace.Millrace>(MILLRACE).readiness()).toBeNull()
})

it("logs by Nest's logger", async () => {
  const lines: Array<readonly [message: string, context: string]> = []
  const note = (message: string, context: string) => void lines.push([message, context])
  const logger = { log: note, warn: note, error: note }
  const destinations = [{ id: "warehouse", url: "http://127.0.0.1:9000/" }]
  await serve(moduleOf([MillraceModule.forRoot({ keys, destinations })]), new ExpressAdapter(), logger)
  expect(lines).toContainEqual([
    'nothing will be sent to a private address: private destinations are not allowed {"destination":"warehouse"}',
    "Millrace",
  ])
})
