/** The secrets that an operator signs in with. */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto"
import { type InvalidOptions as Invalid, InvalidOptions } from "@millrace/core"
import type { Role } from "../admin/Caller.ts"

/** Characters. Nobody who may try fifty a minute finds one of these by chance. */
export const minToken = 16

export interface Token {
  readonly role: Role
  /** Tells tokens apart in the record of changes, and says nothing of them. */
  readonly id: string
  /** Seals the sign-ins that this token has begun: with another token they end. */
  readonly sessionKey: Buffer
  readonly is: (given: string) => boolean
}

/** Compares what has always the same length, and which nobody can choose. */
const pepper = randomBytes(32)

const digest = (text: string): Buffer => createHmac("sha256", pepper).update(text).digest()

const make = (role: Role, token: string): Token => {
  const own = digest(token)
  return {
    role,
    id: createHash("sha256").update(`millrace token ${token}`).digest("hex").slice(0, 8),
    sessionKey: Buffer.from(hkdfSync("sha256", token, "", `millrace console session: ${role}`, 32)),
    is: (given) => timingSafeEqual(digest(given), own),
  }
}

export interface TokenOptions {
  /**
   * What operators sign in with: {@link minToken} characters or more. Without it, and without
   * `authorize`, there is no console.
   */
  readonly adminToken?: string | undefined
  /** Signs in those who may look, and change nothing. */
  readonly adminReadToken?: string | undefined
}

/** All tokens there are. Throws {@link Invalid} for one that can be guessed. */
export const of = ({ adminToken, adminReadToken }: TokenOptions): ReadonlyArray<Token> => {
  const given = [
    { path: "adminToken", role: "full", token: adminToken },
    { path: "adminReadToken", role: "read", token: adminReadToken },
  ] as const
  const problems = given.flatMap(({ path, token = "" }) =>
    token !== "" && token.length < minToken ? [{ path, message: `${minToken} characters at least` }] : [],
  )
  if (adminToken && adminToken === adminReadToken) {
    problems.push({ path: "adminReadToken", message: "the same as adminToken" })
  }
  if (problems.length > 0) throw new InvalidOptions({ problems })
  return given.flatMap(({ role, token = "" }) => (token === "" ? [] : [make(role, token)]))
}

/** Which of them it is; all are compared, whichever it is. */
export const find = (tokens: ReadonlyArray<Token>, given: string): Token | null =>
  tokens.filter(({ is }) => is(given))[0] ?? null
