/** How often a token may be guessed. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Wrong tokens within a minute. Somebody who has mistyped one needs two or three. */
const maxOfAddress = 5

/** From all addresses: whoever has many of them guesses no faster. */
const maxOfAll = 50

const minute = 60_000

/**
 * An address as tries are counted for it: one host has all addresses of its network in IPv6.
 *
 * @param address as Node writes it
 */
const sourceOf = (address: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address
  const [head = "", tail = ""] = address.replace(/%.*$/, "").split("::", 2)
  const before = head === "" ? [] : head.split(":")
  const after = tail === "" ? [] : tail.split(":")
  const zeros = Array<string>(Math.max(8 - before.length - after.length, 0)).fill("0")
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":")
}

export interface Tries {
  /** In how many ms somebody at this address may try; 0 for now. */
  readonly wait: (address: string) => Effect.Effect<number>
  /** Counts a wrong one. */
  readonly failed: (address: string) => Effect.Effect<void>
}

/** Remembers no more tries than are allowed. */
export const make = (): Tries => {
  let wrong: ReadonlyArray<{ readonly at: number; readonly source: string }> = []
  const recent = Effect.map(Clock.currentTimeMillis, (now) => {
    // A clock that is put back must not lock anybody out.
    wrong = wrong.filter(({ at }) => at <= now && now - at < minute)
    return now
  })
  return {
    wait: (address) =>
      Effect.map(recent, (now) => {
        const source = sourceOf(address)
        const here = wrong.filter((found) => found.source === source)
        const first = here.length >= maxOfAddress ? here[0] : wrong.length >= maxOfAll ? wrong[0] : undefined
        return first === undefined ? 0 : first.at + minute - now
      }),
    failed: (address) =>
      Effect.map(recent, (now) => {
        wrong = [...wrong, { at: now, source: sourceOf(address) }]
      }),
  }
}
