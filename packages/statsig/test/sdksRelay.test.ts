import { type EvaluatingSdk, evaluatingSdks, type SentEvent, type Tapped, users } from "@millrace/test-sdks"
import { describe, expect, it } from "vitest"
import { startFront } from "./support/sdkFront.ts"

/** Reads everything for every user, logs an event for each, and ends. */
const visit = async (sdk: EvaluatingSdk): Promise<void> => {
  for (const user of users) {
    await sdk.read(user)
    sdk.log("visited", 1.5, { by: user.userID })
  }
  await sdk.shutdown()
}

/** An event as it goes on: as it came, but for what must not be kept. */
const kept = (event: SentEvent): SentEvent => {
  const { privateAttributes: _, ...user } = event.user ?? {}
  return { ...event, ...(event.user ? { user } : {}), time: Math.floor(event.time ?? 0) }
}

const withoutId = ({ timeUUID: _, ...event }: SentEvent): SentEvent => event

/** Events with the key and the facts they were sent with, in an order of their content alone. */
const contentOf = (requests: ReadonlyArray<Tapped>, as: (event: SentEvent) => SentEvent) =>
  requests
    .flatMap(({ key, statsigMetadata, events }) =>
      events.map((event) => ({ key, statsigMetadata, event: as(event) })),
    )
    .map((one) => [JSON.stringify(one), one] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, one]) => one)

const count = (requests: ReadonlyArray<Tapped>) => requests.flatMap(({ events }) => events).length

const hour = 3_600_000

/** What a busy machine may take, in milliseconds, from reading a clock to the request. */
const delay = 10_000

describe.each(evaluatingSdks)("$name, with its whole api at Millrace", ({ start }) => {
  it("has every event arrive at Statsig once, as it was sent, and at a webhook", async () => {
    const { standIn, webhook, tap, close } = await startFront()
    await visit(await start(tap.url))
    await standIn.until(users.length, "visited")
    await standIn.until(count(tap.tapped))
    await close()
    expect(contentOf(standIn.logged, withoutId)).toEqual(contentOf(tap.tapped, kept))
    const ids = standIn.events().map(({ timeUUID }) => timeUUID)
    expect(ids.every((id) => typeof id === "string")).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
    const visits = webhook.events.filter(({ eventName }) => eventName === "visited")
    expect(visits.map(({ metadata }) => metadata["by"])).toEqual(users.map(({ userID }) => userID))
    expect(visits.every(({ timeUUID }) => ids.includes(timeUUID))).toBe(true)
  })

  it.each([hour, -hour])("has a clock that is %d ms ahead corrected once", async (skew) => {
    const { standIn, tap, close } = await startFront({ skew })
    await visit(await start(tap.url))
    await standIn.until(users.length, "visited")
    await standIn.until(count(tap.tapped))
    await close()
    for (const { headers, at } of standIn.logged) {
      expect(Math.abs(Number(headers["statsig-client-time"]) - at)).toBeLessThan(delay)
    }
    // The tap keeps the times as they were before it put the clock wrong.
    const times = (requests: ReadonlyArray<Tapped>) =>
      requests.flatMap(({ events }) => events.map(({ time }) => time!)).sort((a, b) => a - b)
    const [seen, wanted] = [times(standIn.logged), times(tap.tapped)]
    expect(seen).toHaveLength(wanted.length)
    for (const [index, time] of seen.entries()) expect(Math.abs(time - wanted[index]!)).toBeLessThan(delay)
  })
})
