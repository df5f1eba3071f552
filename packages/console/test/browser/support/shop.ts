import { createServer } from "node:http"
import { setImmediate } from "node:timers/promises"
import { consoleHandler } from "@millrace/console"
import { type Destination, Millrace, Store, StoreError, Transport } from "@millrace/core"
import { StoreHealth } from "@millrace/core/store"
import { Codec } from "@millrace/node"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { onTestFinished } from "vitest"
import { adminReadToken, adminToken, listen } from "../../support/hosts.ts"

/**
 * A shop's Millrace with its console, which has run for a day in virtual time, and from then on
 * goes with the clock on the wall. Only its receivers are made up.
 */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The clock begins so long before now: whole days can be compared. */
const lived = 28 * hour

const serverKey = "secret-of-the-shop"

/** Events a second. */
const rate = 8

/** What happens in a shop, and how often; in the last hours another part of it. */
const names: ReadonlyArray<readonly [name: string, weight: number, lately: number]> = [
  ["page_viewed", 400, 400],
  ["product_viewed", 210, 205],
  ["search_performed", 120, 70],
  ["statsig::gate_exposure", 90, 92],
  ["add_to_cart", 60, 58],
  ["statsig::config_exposure", 40, 41],
  ["checkout_started", 24, 25],
  ["checkout_completed", 18, 18],
  ["video_played", 14, 26],
  ["signup_completed", 8, 8],
]

/** The same numbers in every run, so that pictures stay alike. */
const makeRandom = (): (() => number) => {
  let state = 20_261_130
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

export interface Answer {
  readonly status: number
  readonly body?: string
  /** ms */
  readonly after?: number
}

/** What a receiver answers to a request's body. */
export type Receiver = (body: string) => Answer

export interface Shop {
  /** Where the console's page is. */
  readonly url: string
  readonly millrace: Millrace.Millrace
  /** ms since the epoch, by its own clock. */
  readonly now: () => number
  /** Asks the admin API as an operator's command does. */
  readonly ask: (path: string, input?: unknown) => Promise<unknown>
  /** Lets the time pass in which nothing arrives. */
  readonly pass: (millis: number) => Promise<void>
  /** Lets the shop live: events arrive, in a request for each step of some seconds. */
  readonly live: (millis: number, step?: number) => Promise<void>
  /** Sends events with a key. */
  readonly post: (events: ReadonlyArray<object>, key?: string) => Promise<number>
  readonly receive: (id: string, receiver: Receiver) => void
  readonly failStore: (isFailing: boolean) => void
  /** From now on its time is that of the wall clock, and it lives on by itself. */
  readonly goOn: () => void
}

export interface ShopOptions {
  readonly destinations?: ReadonlyArray<Destination.DestinationOptions>
  /** Where its clock begins: a day and some hours before now. */
  readonly startAt?: number
}

const down = new StoreError({ reason: { _tag: "Unavailable" }, message: "disk I/O error" })

const headers = (key: string) => ({
  "statsig-api-key": key,
  "statsig-sdk-type": key === serverKey ? "statsig-node" : "javascript-client",
  "statsig-sdk-version": key === serverKey ? "6.5.2" : "3.33.5",
})

export const openShop = async ({
  destinations = [],
  startAt = Date.now() - lived,
}: ShopOptions = {}): Promise<Shop> => {
  const receivers = new Map<string, Receiver>()
  const random = makeRandom()
  let isFailing = false
  const timed = Layer.effectDiscard(TestClock.setTime(startAt)).pipe(Layer.provideMerge(TestClock.layer()))
  const health = Layer.effect(
    StoreHealth.StoreHealth,
    Effect.map(StoreHealth.StoreHealth, (well) => ({
      ...well,
      probe: Effect.suspend(() => (isFailing ? Effect.fail(down) : well.probe)),
    })),
  )
  const store = health.pipe(
    Layer.provideMerge(Store.layerMemory({ maxBytes: 2 ** 30 })),
    Layer.provideMerge(timed),
  )
  const transport = Layer.succeed(Transport.Transport, {
    send: Effect.fnUntraced(function* ({ url, body, wantsDetails }) {
      const { hostname } = new URL(url)
      const receiver = receivers.get(hostname.split(".")[0]!)
      const {
        status,
        body: said = "",
        after = 60 + random() * 50,
      } = receiver?.(Buffer.from(body).toString("latin1")) ?? { status: 202 }
      yield* Effect.sleep(after)
      const details = {
        ...{ headers: { "content-type": "application/json", server: "receiver" }, address: "203.0.113.9" },
        ...{ connect: 14, firstByte: Math.round(after) },
      }
      return { status, retryAfter: null, body: said, isBodyFree: true, ...(wantsDetails ? { details } : {}) }
    }),
  })
  const millrace = await Millrace.make({
    store,
    transport,
    codec: Codec.layer,
    keys: { server: [serverKey] },
    destinations,
  })
  const page = consoleHandler(millrace, { adminToken, adminReadToken })
  const port = await listen(createServer((req, res) => page(req, res)))
  const url = `http://127.0.0.1:${port}/console/`

  const clock = Context.get(millrace.host.context, Clock.Clock) as TestClock.TestClock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const run = Effect.runPromiseWith(millrace.host.context)
  const pass = async (millis: number): Promise<void> => {
    await run(clock.adjust(Math.max(Math.round(millis), 0)))
    await setImmediate()
  }

  const nameAt = (isLate: boolean): string => {
    const weightOf = (one: (typeof names)[number]) => (isLate ? one[2] : one[1])
    let left = random() * names.reduce((sum, one) => sum + weightOf(one), 0)
    for (const one of names) {
      left -= weightOf(one)
      if (left < 0) return one[0]
    }
    return names[0]![0]
  }
  const eventAt = (time: number, isLate: boolean): object => {
    const eventName = nameAt(isLate)
    const number = 10_000 + Math.floor(random() * 80_000)
    const isMoney = eventName.startsWith("checkout_c")
    return {
      eventName,
      time,
      user: {
        userID: `u_${number}`,
        email: `${number}@mail.example`,
        country: ["DE", "FR", "NZ", "US"][number % 4],
      },
      ...(isMoney ? { value: (20 + random() * 400).toFixed(2) } : {}),
      metadata: eventName.startsWith("statsig::")
        ? { gate: "new_checkout", gateValue: "true", ruleID: "3cT" }
        : {
            path: `/products/${number % 900}`,
            ...(isMoney ? { currency: "EUR", ...(number % 5 === 0 ? { loyalty_tier: "gold" } : {}) } : {}),
          },
    }
  }

  const post: Shop["post"] = async (events, key = serverKey) => {
    const bytes = new TextEncoder().encode(JSON.stringify({ events }))
    const { status } = await millrace.handle({
      method: "POST",
      url: "/v1/log_event",
      headers: { ...headers(key), "statsig-client-time": String(now()) },
      body: () => Effect.succeed({ bytes, inflated: false }),
    })
    return status
  }

  const end = startAt + lived
  let owed = 0
  const live: Shop["live"] = async (millis, step = minute / 6) => {
    for (let left = millis; left > 0; left -= step) {
      await pass(Math.min(step, left))
      const day = (now() % (24 * hour)) / (24 * hour)
      owed += ((rate * Math.min(step, left)) / second) * (1 + 0.25 * Math.sin(day * 2 * Math.PI))
      const count = Math.floor(owed)
      owed -= count
      if (count === 0) continue
      const isLate = now() > end - 3.5 * hour
      await post(Array.from({ length: count }, () => eventAt(now() - Math.floor(random() * 400), isLate)))
    }
  }

  let isOver = false
  onTestFinished(async () => {
    isOver = true
    void run(Effect.forever(Effect.andThen(clock.adjust(second), Effect.yieldNow)))
    await millrace.close({ deadline: 0 })
  })

  return {
    url,
    millrace,
    now,
    pass,
    live,
    post,
    ask: async (path, input = {}) => {
      const response = await fetch(`${url}admin/v1/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${adminToken}` },
        body: JSON.stringify(input),
      })
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
      return response.json()
    },
    receive: (id, receiver) => void receivers.set(id, receiver),
    failStore: (failing) => {
      isFailing = failing
    },
    goOn: () => {
      const behind = Date.now() - now()
      const keepUp = async (): Promise<void> => {
        while (!isOver) {
          await live(Date.now() - behind - now())
          await new Promise((resolve) => setTimeout(resolve, 120))
        }
      }
      void keepUp()
    },
  }
}

/** A shop on an ordinary bad day: it is found as it was left for an operator. */
export const openBusyShop = async (): Promise<Shop> => {
  const destination = (id: string, more: object = {}): Destination.DestinationOptions => ({
    id,
    url: `https://${id}.example/events`,
    ...more,
  })
  const shop = await openShop({
    destinations: [
      destination("billing", { filter: { include: ["checkout_completed"] }, fields: { drop: ["user.ip"] } }),
      destination("staging-mirror", { fields: { hash: [] } }),
      destination("warehouse"),
    ],
  })
  await shop.ask("keys/create", { name: "web shop", kind: "client" })
  await shop.ask("keys/create", { name: "backend", kind: "server" })
  for (const added of [
    destination("growth-crm", {
      filter: { categories: { exposures: false, auto_capture: false } },
      fields: { drop: ["user.email"] },
    }),
    destination("fraud-scoring", {
      filter: { include: ["checkout_*", "add_to_cart", "signup_completed"] },
      rateLimit: { events: 3 },
    }),
  ])
    await shop.ask("destinations/add", { destination: added })
  await shop.live(6 * hour)
  await shop.ask("destinations/disable", { id: "staging-mirror" })
  await shop.live(17 * hour)
  shop.receive("growth-crm", (body) =>
    body.includes("loyalty_tier")
      ? { status: 422, body: '{"error":"unknown attribute: loyalty_tier"}' }
      : { status: 202 },
  )
  await shop.live(2 * hour)
  await shop.ask("destinations/disable", { id: "fraud-scoring" })
  await shop.live(2 * hour)
  await shop.ask("destinations/enable", { id: "fraud-scoring" })
  await shop.live(22 * minute)
  shop.receive("billing", () => ({
    status: 503,
    body: '{"error":"upstream connect error or disconnect before headers"}',
    after: 1_200,
  }))
  await shop.live(28 * minute)
  for (let number = 0; number < 7; number++) await shop.post([{ eventName: "" }, { eventName: 17 }])
  for (let number = 0; number < 12; number++) await shop.post([], "client-of-somebody-else")
  await shop.live(8 * minute)
  // As they come while somebody looks.
  await shop.live(2 * minute, second / 2)
  return shop
}
