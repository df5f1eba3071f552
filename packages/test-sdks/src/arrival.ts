import { createHash } from "node:crypto"
import { expect } from "vitest"
import type { Logged } from "./Sdk.ts"

/** What is compared of an event as a webhook gets it. */
export interface Arrived {
  readonly eventName: string
  readonly value: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly statsigMetadata: Readonly<Record<string, unknown>>
  readonly timeUUID: string
}

/** Long texts by their hash, so that a failure can be read. */
const short = (value: unknown): unknown =>
  typeof value === "string" && value.length > 100
    ? `${value.length} characters, ${createHash("sha256").update(value).digest("hex").slice(0, 16)}`
    : value

const order = (a: Logged, b: Logged): number => {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** An event that arrived, reduced to what the SDK was asked to log. */
const asLogged = (event: Arrived, names: ReadonlySet<string>): Logged => {
  const all = { ...event.metadata, ...event.statsigMetadata }
  const details = Object.fromEntries(
    [...names].filter((name) => name in all).map((name) => [name, all[name]]),
  )
  return { eventName: event.eventName, value: event.value, details }
}

/** Every event that was logged has arrived once, and nothing else has. */
export const expectExactly = (arrived: ReadonlyArray<Arrived>, wanted: ReadonlyArray<Logged>): void => {
  const details = new Map<string, Set<string>>()
  for (const { eventName, details: some } of wanted) {
    const names = details.get(eventName) ?? new Set()
    for (const name of Object.keys(some)) names.add(name)
    details.set(eventName, names)
  }
  const none = new Set<string>()
  const seen = arrived.map((event) => asLogged(event, details.get(event.eventName) ?? none))
  const sorted = (logged: ReadonlyArray<Logged>) =>
    logged
      .map((one) => ({
        ...one,
        details: Object.fromEntries(
          Object.entries(one.details)
            .map(([name, value]) => [name, short(value)] as const)
            .sort(),
        ),
      }))
      .sort(order)
  expect(sorted(seen)).toEqual(sorted(wanted))
  expect(new Set(arrived.map(({ timeUUID }) => timeUUID)).size).toBe(arrived.length)
}
