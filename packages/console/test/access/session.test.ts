import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as Session from "../../src/access/session.ts"
import * as Tokens from "../../src/access/tokens.ts"
import { adminReadToken, adminToken } from "../support/hosts.ts"

const tokens = Tokens.of({ adminToken, adminReadToken })
const [full, read] = tokens as unknown as readonly [Tokens.Token, Tokens.Token]
const now = 1_795_000_000_000

describe("a sign-in", () => {
  test.each([full, read])("is taken by every process that has its token, until it ends", (token) => {
    const session = Session.begin(token, now)
    const value = Session.write(session)
    const elsewhere = Tokens.of({ adminToken, adminReadToken })
    expect(Session.read(elsewhere, value, now)).toMatchObject({
      token: { role: token.role },
      until: now + 12 * 3_600_000,
    })
    expect(Session.read(tokens, value, session.until - 1)).not.toBeNull()
    expect(Session.read(tokens, value, session.until)).toBeNull()
    // A clock that is put back does not make it longer.
    expect(Session.read(tokens, value, now - 1)).toBeNull()
  })

  test("ends with its token, and is no other role's", () => {
    const value = Session.write(Session.begin(read, now))
    expect(
      Session.read(Tokens.of({ adminToken, adminReadToken: `${adminReadToken}2` }), value, now),
    ).toBeNull()
    expect(Session.read(tokens, value.replace("read.", "full."), now)).toBeNull()
    // The same text as a token of the other role seals with another key.
    const [asFull] = Tokens.of({ adminToken: adminReadToken }) as unknown as readonly [Tokens.Token]
    expect(Session.read([{ ...asFull, role: "read" }], value, now)).toBeNull()
  })

  test("cannot be changed, or made up", () => {
    const value = Session.write(Session.begin(full, now))
    fc.assert(
      fc.property(fc.nat(value.length - 1), fc.constantFrom(..."aB0_-.~"), (at, character) => {
        const changed = `${value.slice(0, at)}${character}${value.slice(at + 1)}`
        expect(changed === value || Session.read(tokens, changed, now) === null).toBe(true)
      }),
    )
    fc.assert(fc.property(fc.string(), (text) => Session.read(tokens, text, now) === null))
  })
})

describe("tokens", () => {
  test("are told by all of their characters", () => {
    expect(Tokens.find(tokens, adminToken)).toBe(full)
    expect(Tokens.find(tokens, adminReadToken)).toBe(read)
    for (const wrong of ["", adminToken.slice(1), adminToken.slice(0, -1), `${adminToken}x`]) {
      expect(Tokens.find(tokens, wrong)).toBeNull()
    }
  })

  test("are compared all of them, whichever it is", () => {
    const asked: Array<string> = []
    const watched = tokens.map((token) => ({
      ...token,
      is: (given: string) => {
        asked.push(token.role)
        return token.is(given)
      },
    }))
    Tokens.find(watched, adminToken)
    Tokens.find(watched, "wrong")
    expect(asked).toEqual(["full", "read", "full", "read"])
  })

  test("that can be guessed, or do not tell the roles apart, are refused without being shown", () => {
    const problemsOf = (options: Tokens.TokenOptions): unknown => {
      try {
        return Tokens.of(options).length
      } catch (error) {
        expect(JSON.stringify(error)).not.toContain("hunter2")
        return (error as { problems: unknown }).problems
      }
    }
    expect(problemsOf({})).toBe(0)
    expect(problemsOf({ adminToken: "", adminReadToken: undefined })).toBe(0)
    expect(problemsOf({ adminToken: "hunter2" })).toEqual([
      { path: "adminToken", message: "16 characters at least" },
    ])
    expect(problemsOf({ adminToken, adminReadToken: adminToken })).toEqual([
      { path: "adminReadToken", message: "the same as adminToken" },
    ])
  })
})
