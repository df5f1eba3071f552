/**
 * Signing in and out: actions like those of the admin API, which besides see the request, and set a
 * cookie in its reply.
 */
import { Action } from "@millrace/core/host"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AdminError } from "../admin/AdminApi.ts"
import type { Caller, Role } from "../admin/Caller.ts"
import type { Ended } from "./ended.ts"
import * as Session from "./session.ts"
import * as Tokens from "./tokens.ts"
import * as Tries from "./tries.ts"

const SignedIn = Schema.Struct({
  /** `read`: sees what there is but the values of users, and changes nothing. */
  role: Schema.Literals(["full", "read"]),
  /** ms since the epoch; `null` when it is not this sign-in that ends. */
  until: Schema.NullOr(Schema.Int),
}).annotate({ identifier: "SignedIn", description: "What somebody may do, and until when." })

export type SignedIn = typeof SignedIn.Type

export const actions = {
  signIn: Action.answering({
    path: "console/sign-in",
    summary: "Sign in to the console: the reply sets a cookie.",
    changes: false,
    input: Schema.Struct({ token: Schema.String.check(Schema.isMaxLength(4096)) }),
    output: SignedIn,
    errors: [],
    takes: (token: string) => ({ token }),
    gives: (signedIn) => signedIn,
  }),

  signOut: Action.answering({
    path: "console/sign-out",
    summary: "Sign out of the console: the cookie is of no use any more.",
    changes: false,
    input: Action.Nothing,
    output: Action.Nothing,
    errors: [],
    takes: () => ({}),
    gives: (): void => {},
  }),

  whoami: Action.answering({
    path: "console/whoami",
    summary: "Say what this sign-in may do.",
    changes: false,
    input: Action.Nothing,
    output: SignedIn,
    errors: [],
    takes: () => ({}),
    gives: (signedIn) => signedIn,
  }),
} as const

/** Those that somebody may ask for who has not signed in. */
export const open: ReadonlySet<Action.Action> = new Set([actions.signIn, actions.signOut])

/** What the request has that an action is asked for with. */
export interface Exchange {
  readonly address: string
  /** What its cookie says; `null` without one. */
  readonly cookie: string | null
  /** Has the reply set the cookie, or take it away. */
  readonly setCookie: (value: string, seconds: number) => void
  /** What it was admitted with. */
  signedIn: SignedIn | null
}

/** `null` where there is no console. */
export const Exchange: Context.Reference<Exchange | null> = Context.Reference<Exchange | null>(
  "@millrace/console/Exchange",
  { defaultValue: () => null },
)

/** Somebody by what they have shown. */
export interface Known extends SignedIn, Caller {
  readonly role: Role
}

export interface Access {
  readonly service: Action.ServiceOf<typeof actions, AdminError>
  /** By the token of a command. Fails when it is wrong, or there were too many of them. */
  readonly byToken: (token: string, address: string) => Effect.Effect<Known, AdminError>
  /** By a cookie; `null` for one that is over, or was never given. */
  readonly byCookie: (cookie: string) => Effect.Effect<Known | null>
}

/** How often it is looked whether somebody who is told something has signed out, in ms. */
const lookEvery = 5_000

const nameOf = ({ role, id }: Tokens.Token): string => `${role === "full" ? "token" : "read token"} ${id}`

const wrongToken = new AdminError({ status: 401, message: "the token is wrong" })

const tooMany = (wait: number): AdminError =>
  new AdminError({
    status: 429,
    message: `too many wrong tokens: try again in ${Math.ceil(wait / 1000)} s`,
  })

const nobody = new AdminError({ status: 401, message: "sign in first" })

const exchange = Effect.flatMap(Exchange, (found) =>
  found === null
    ? Effect.fail(new AdminError({ status: 404, message: "there is no console here" }))
    : Effect.succeed(found),
)

export const make = (tokens: ReadonlyArray<Tokens.Token>, ended: Ended): Access => {
  const tries = Tries.make()

  const find = Effect.fnUntraced(function* (given: string, address: string) {
    const wait = yield* tries.wait(address)
    // Also the right one: whoever guesses must not learn that it is.
    if (wait > 0) return yield* tooMany(wait)
    const token = Tokens.find(tokens, given)
    if (token !== null) return token
    yield* tries.failed(address)
    return yield* wrongToken
  })

  const sessionOf = Effect.fnUntraced(function* (cookie: string) {
    const session = Session.read(tokens, cookie, yield* Clock.currentTimeMillis)
    return session === null || (yield* ended.has(session)) ? null : session
  })

  const over = (cookie: string) =>
    Effect.gen(function* () {
      while ((yield* sessionOf(cookie)) !== null) yield* Effect.sleep(lookEvery)
    })

  return {
    service: {
      signIn: Effect.fnUntraced(function* ({ token: given }) {
        const { address, setCookie } = yield* exchange
        const token = yield* find(given, address)
        const session = Session.begin(token, yield* Clock.currentTimeMillis)
        setCookie(Session.write(session), Session.lifetime / 1000)
        return { role: token.role, until: session.until }
      }),
      signOut: Effect.fnUntraced(function* () {
        const { cookie, setCookie } = yield* exchange
        const session = cookie === null ? null : yield* sessionOf(cookie)
        if (session !== null) yield* ended.add(session)
        setCookie("", 0)
        return {}
      }),
      whoami: Effect.fnUntraced(function* () {
        const { signedIn } = yield* exchange
        return signedIn === null ? yield* nobody : { role: signedIn.role as Role, until: signedIn.until }
      }),
    },
    byToken: (given, address) =>
      Effect.map(find(given, address), (token) => ({ role: token.role, until: null, name: nameOf(token) })),
    byCookie: (cookie) =>
      Effect.map(sessionOf(cookie), (session) =>
        session === null
          ? null
          : {
              role: session.token.role,
              until: session.until,
              name: nameOf(session.token),
              over: over(cookie),
            },
      ),
  }
}
