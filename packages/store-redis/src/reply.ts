import type { Reply } from "./Link.ts"

/**
 * Redis answers with what its documentation says, so anything else is a mistake of this program.
 */
const unexpected = (wanted: string): never => {
  throw new TypeError(`Redis's reply is not ${wanted}`)
}

export const list = (reply: Reply | undefined): ReadonlyArray<Reply> =>
  Array.isArray(reply) ? reply : unexpected("a list")

export const bytes = (reply: Reply | undefined): Buffer =>
  Buffer.isBuffer(reply) ? reply : unexpected("a text")

/** Numbers come as such from scripts, and as text from what is stored. */
export const number = (reply: Reply | undefined): number => {
  const value = typeof reply === "number" ? reply : Number(bytes(reply).toString())
  return Number.isNaN(value) ? unexpected("a number") : value
}

export const numbers = (reply: Reply | undefined): ReadonlyArray<number> => list(reply).map(number)

export const textOrNull = (reply: Reply | undefined): string | null =>
  reply === null ? null : bytes(reply).toString()

export const text = (reply: Reply | undefined): string => bytes(reply).toString()

/** `undefined` for those there are not. */
export const texts = (reply: Reply | undefined): ReadonlyArray<string | undefined> =>
  list(reply).map((one) => textOrNull(one) ?? undefined)

/** Fields and values that Redis gives in turn. */
export const pairs = (reply: Reply | undefined): ReadonlyArray<readonly [field: string, value: Buffer]> => {
  const flat = list(reply)
  return Array.from({ length: flat.length / 2 }, (_, at) => [text(flat[at * 2]), bytes(flat[at * 2 + 1])])
}
