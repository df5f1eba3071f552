/** How often a token may be guessed. */
import { IpAddress } from "@millrace/core/host"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Wrong tokens within a minute. Somebody who has mistyped one needs two or three. */
const maxOfAddress = 5

/** From all addresses: whoever has many of them guesses no faster. */
const maxOfAll = 50

const minute = 60_000

/** Bits of the network that one host has all addresses of in IPv6. */
const networkBits = 64

/** An address as tries are counted for it. */
export const sourceOf = (text: string): string => {
  const address = IpAddress.parse(text)
  if (address === null) return text
  const isOne = IpAddress.isV4(address)
  return IpAddress.format(isOne ? address : IpAddress.firstOf({ network: address, bits: networkBits }))
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
