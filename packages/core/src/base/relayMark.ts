import * as Context from "effect/Context"
import { hex } from "./hex.ts"

/**
 * Stops events that go round: whoever relays a request to somebody who speaks the same protocol
 * names itself in a header, behind those that have relayed it before.
 */
export const header = "millrace-relay"

/** More than any honest chain has, and as many as a request of a longer one is sent round. */
const maxHops = 8

const isId = (text: string): boolean => /^[0-9a-f]{12}$/.test(text)

/** What names this process to others, 12 hex digits: made at random unless it is given. */
export const RelayId: Context.Reference<string> = Context.Reference<string>("@millrace/core/RelayId", {
  defaultValue: () => hex(globalThis.crypto.getRandomValues(new Uint8Array(6))),
})

const idsOf = (value: string): ReadonlyArray<string> => value.split(",").map((id) => id.trim())

/**
 * Says why a request must not be taken because of its header's value; `null` when it may. What no
 * Millrace has written there says nothing.
 */
export const problemOf = (value: string | null, own: string): string | null => {
  if (value === null) return null
  const ids = idsOf(value)
  if (!ids.every(isId)) return null
  if (ids.includes(own)) return "it has been here before: the relay's upstream leads back to this server"
  return ids.length > maxHops ? `it has been relayed ${maxHops} times: relays lead in a circle` : null
}

/** The header's value behind this process. */
export const withOwn = (before: string | null, own: string): string =>
  before === null || !idsOf(before).every(isId) ? own : `${before}, ${own}`
