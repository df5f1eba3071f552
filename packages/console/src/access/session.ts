/**
 * A sign-in as its cookie has it: `ROLE.ID.END.SEAL`. Nothing is kept of it, so every process that
 * has the same token takes it, and another token ends it.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Token } from "./tokens.ts"

/** ms: a day's work. */
export const lifetime = 12 * 60 * 60_000

export interface Session {
  readonly token: Token
  readonly id: string
  /** ms since the epoch. */
  readonly until: number
}

const seal = ({ sessionKey }: Token, content: string): string =>
  createHmac("sha256", sessionKey).update(content).digest("base64url")

export const begin = (token: Token, now: number): Session => ({
  token,
  id: randomBytes(16).toString("base64url"),
  until: now + lifetime,
})

export const write = ({ token, id, until }: Session): string => {
  const content = `${token.role}.${id}.${until}`
  return `${content}.${seal(token, content)}`
}

const form = /^((?:full|read)\.([\w-]{22})\.(\d{1,15}))\.([\w-]{43})$/

/** The sign-in that a cookie's value says; `null` where it is none, or is over. */
export const read = (tokens: ReadonlyArray<Token>, value: string, now: number): Session | null => {
  const [, content, id, end, given] = form.exec(value) ?? []
  if (content === undefined) return null
  const until = Number(end)
  const token = tokens.find(
    (found) =>
      content.startsWith(`${found.role}.`) &&
      timingSafeEqual(Buffer.from(seal(found, content)), Buffer.from(given!)),
  )
  // One that ends later than any that begins now is from a clock that was ahead.
  return token === undefined || until <= now || until > now + lifetime ? null : { token, id: id!, until }
}
