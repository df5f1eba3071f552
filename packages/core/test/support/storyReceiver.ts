import type { Reaction } from "./laneWorld.ts"
import type { Failing, Story } from "./story.ts"

/** What a poison of random kind answers with, in turn. */
const kinds: ReadonlyArray<Failing> = [502, "reset", 500, 503, "timeout", 403, 504, 429]

const refusals: ReadonlySet<Failing> = new Set([400, 413, 422])

/** ms for which nobody answers after a request that the receiver died of. */
const downAfterDeath = 2_000

/** Whether a receiver that flaps by the ms is up. */
const isUp = (flap: NonNullable<Story["outages"][number]["flap"]>, elapsed: number): boolean =>
  elapsed % (flap.up + flap.down) < flap.up

/**
 * The receiver of a story: what it does with each request, and what that comes from.
 *
 * @param poison what is wrong with an event; `null` for nothing
 */
export const makeReceiver = (told: Story, timeout: number, poison: (value: number) => Failing | null) => {
  let healthyFrom = 0
  const outages = told.outages.map((one, index) => {
    const from = healthyFrom + one.after
    healthyFrom = from + (one.length ?? 0)
    const next = told.outages[index + 1]
    // One at a time: two that flap beside each other let so few requests through that an event may
    // meet none of them in a hundred tries, and nobody can tell it from a bad one.
    const endless = next === undefined ? Number.POSITIVE_INFINITY : healthyFrom + next.after
    return { ...one, from, to: one.length === null ? endless : healthyFrom, requests: 0 }
  })
  let downUntil = Number.NEGATIVE_INFINITY
  let turns = 0

  const fail = (how: Failing, at: number, retryAfter: string | null): Reaction => {
    switch (how) {
      case "timeout":
        return { reply: "Timeout", after: timeout }
      case "dies":
        downUntil = at + downAfterDeath
        return { reply: "ConnectionFailed" }
      case "reset":
        return { reply: "ConnectionFailed" }
      case "any":
        return fail(kinds[turns++ % kinds.length]!, at, null)
      default:
        return retryAfter === null ? { reply: how } : { reply: how, retryAfter }
    }
  }

  const outageAt = (at: number) =>
    outages.find((one) => {
      const { from, to, flap } = one
      if (at < from || at >= to) return false
      if (flap === null) return true
      return !isUp(flap, flap.by === "ms" ? at - from : one.requests++)
    })

  return {
    /** When the last outage that ends has ended. */
    healthyFrom,
    flapsForEver: outages.some(({ to }) => to === Number.POSITIVE_INFINITY),
    /** It refuses several requests in a row, and takes others in between: it is believed. */
    refusesInTurns: outages.some(
      ({ failing, flap }) =>
        flap !== null && flap.by === "requests" && flap.down > 1 && refusals.has(failing),
    ),
    /** By how much more often than others one has to ask it, where it flaps for ever. */
    slowness: outages.reduce(
      (most, { to, flap }) =>
        to === Number.POSITIVE_INFINITY && flap !== null
          ? Math.max(most, 4 * Math.ceil((flap.up + flap.down) / flap.up))
          : most,
      1,
    ),
    react: (values: ReadonlyArray<number>, bytes: number, at: number): Reaction => {
      const out = outageAt(at)
      if (out !== undefined) {
        return {
          ...fail(out.failing, at, out.retryAfter),
          took: out.taken ? values.length : 0,
          cause: "outage",
        }
      }
      if (at < downUntil) return { reply: "ConnectionFailed", cause: "down" }
      const { limit } = told
      if (limit !== null && values.length > 1 && (values.length > limit.events || bytes > limit.bytes)) {
        return { ...fail(limit.failing, at, null), took: limit.taken ? values.length : 0, cause: "limit" }
      }
      const bad = values.findIndex((value) => poison(value) !== null)
      if (bad < 0) return { reply: 200 }
      return {
        ...fail(poison(values[bad]!)!, at, null),
        took: told.oneByOne ? bad : 0,
        cause: "poison",
      }
    },
  }
}
