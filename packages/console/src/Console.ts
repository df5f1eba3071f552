/**
 * The console: its page, and the admin API under it for those who have signed in. Made of what
 * answers the admin API's actions, so that a server and a program that mounts the library have the
 * same one.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { fileURLToPath } from "node:url"
import type { Action } from "@millrace/core/host"
import { Documents } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Cookie from "./access/cookie.ts"
import * as Ended from "./access/ended.ts"
import * as SignIn from "./access/SignIn.ts"
import * as SameOrigin from "./access/sameOrigin.ts"
import * as Tokens from "./access/tokens.ts"
import * as AdminApi from "./admin/AdminApi.ts"
import * as AdminHttp from "./admin/AdminHttp.ts"
import { Caller, type Role } from "./admin/Caller.ts"
import type { Streams } from "./admin/Streams.ts"
import { type MountedRequest, mountedAt } from "./mountedAt.ts"
import * as Page from "./page/Page.ts"

export { minToken } from "./access/tokens.ts"

const { AdminError } = AdminApi
type AdminError = AdminApi.AdminError

/** What a host says of whoever asks; a name stands in the record of changes. */
export type Verdict = Role | { readonly role: Role; readonly name: string } | null

export interface ConsoleOptions extends Tokens.TokenOptions {
  /**
   * Whom the host lets in, by what it knows of a request: its own session, say. Asked where no
   * token and no cookie of the console's is shown.
   */
  readonly authorize?: (req: IncomingMessage) => Verdict | Promise<Verdict>
  /** Where it is, if the host does not take the path off: `/console` by default. */
  readonly path?: string
  /** The files of the page: those of this package by default. */
  readonly page?: string
}

export interface ConsoleParts {
  readonly admin: AdminApi.Admin
  /** Where it runs: its store, by which clock, and whose log. */
  readonly context: Context.Context<Documents.Documents>
  readonly streams: Streams
}

/** A listener that passes on what is not its own, where there is somebody to pass it on to. */
export type Handler = (req: MountedRequest, res: ServerResponse, next?: (error?: unknown) => void) => void

export interface Console {
  /** Whether anybody can sign in: without it all is a 404. */
  readonly isOpen: boolean
  /** The page, and the admin API below it. */
  readonly handler: Handler
  /** The admin API at `/admin/v1/`, for commands: by token only. */
  readonly api: Handler
}

const defaultPath = "/console"

/** Beside `src`, and beside what is built of it. */
const builtPage = (): string => fileURLToPath(new URL("../dist/page/", import.meta.url))

/** Nothing comes from elsewhere, nothing stands in the page itself, and no text becomes markup. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

/** What a host's middleware may have allowed to pages of other origins. */
const cors = ["origin", "credentials", "methods", "headers"].map((name) => `access-control-allow-${name}`)

const setHeaders = (res: ServerResponse): void => {
  res.setHeader("content-security-policy", policy)
  res.setHeader("x-content-type-options", "nosniff")
  res.setHeader("referrer-policy", "no-referrer")
  res.setHeader("x-frame-options", "DENY")
  res.setHeader("cross-origin-resource-policy", "same-origin")
  for (const name of cors) res.removeHeader(name)
}

const notFound = (res: ServerResponse): void =>
  AdminHttp.write(res, 404, { message: "not found", status: 404 })

const bearerOf = ({ headers }: IncomingMessage): string | null =>
  /^bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1] ?? null

/** As the host knows it, where it believes a proxy. */
const addressOf = (req: IncomingMessage & { readonly ip?: unknown }): string =>
  typeof req.ip === "string" ? req.ip : (req.socket.remoteAddress ?? "")

/** Whoever has not signed in yet. */
const nobody: Caller = { name: "nobody", role: "read" }

const unauthorized = new AdminError({ status: 401, message: "sign in first, or send a token" })

/** Throws `InvalidOptions` for a token that can be guessed. */
export const make = (options: ConsoleOptions, { admin, context, streams }: ConsoleParts): Console => {
  const { authorize, path = defaultPath } = options
  const tokens = Tokens.of(options)
  if (tokens.length === 0 && authorize === undefined) {
    const handler: Handler = (req, res, next) =>
      mountedAt(req, path) === null && next !== undefined ? next() : notFound(res)
    return { isOpen: false, handler, api: (_req, res, next) => (next ?? (() => notFound(res)))() }
  }

  const ended = Ended.make(Context.get(context, Documents.Documents))
  const { service, byToken, byCookie } = SignIn.make(tokens, ended)
  const table = { ...AdminApi.actions, ...SignIn.actions }
  const answer = AdminHttp.make(table, { ...admin, ...service }, { context, streams })

  const byHost = (req: IncomingMessage): Effect.Effect<SignIn.Known | null, AdminError> =>
    authorize === undefined
      ? Effect.succeed(null)
      : Effect.tryPromise({
          try: async () => authorize(req),
          catch: () => new AdminError({ status: 500, message: "whom to let in could not be found out" }),
        }).pipe(
          Effect.map((verdict) => {
            if (verdict === null || verdict === undefined) return null
            const { role, name } = typeof verdict === "string" ? { role: verdict, name: "host" } : verdict
            return role === "full" || role === "read" ? { role, name, until: null } : null
          }),
        )

  /** Finds out who asks, and whether they may. */
  const admit = (exchange: SignIn.Exchange, hasCookies: boolean) =>
    Effect.fnUntraced(function* (
      req: IncomingMessage,
      action: Action.Action | null,
    ): Effect.fn.Return<Caller, AdminError> {
      const foreign = SameOrigin.problem(req)
      if (foreign !== null) return yield* new AdminError({ status: 403, message: foreign })
      if (hasCookies && action !== null && SignIn.open.has(action)) return nobody
      const token = bearerOf(req)
      const { cookie, address } = exchange
      const known =
        token !== null
          ? yield* byToken(token, address)
          : ((hasCookies && cookie !== null ? yield* byCookie(cookie) : null) ?? (yield* byHost(req)))
      if (known === null) return yield* unauthorized
      if (known.role === "read" && action?.changes === true) {
        return yield* new AdminError({ status: 403, message: "this sign-in may only read" })
      }
      exchange.signedIn = known
      return known
    })

  const answerApi = (
    req: IncomingMessage,
    res: ServerResponse,
    operation: string,
    base: string | null,
  ): void => {
    const exchange: SignIn.Exchange = {
      address: addressOf(req),
      cookie: base === null ? null : Cookie.read(req),
      setCookie: (value, seconds) =>
        void res.setHeader("set-cookie", Cookie.header(req, base ?? "", value, seconds)),
      signedIn: null,
    }
    answer(req, res, operation, (asking, action) =>
      Effect.map(admit(exchange, base !== null)(asking, action), (caller) =>
        Context.make(Caller, caller).pipe(Context.add(SignIn.Exchange, exchange)),
      ),
    )
  }
  let page: Page.Page | undefined

  return {
    isOpen: true,
    handler: (req, res, next) => {
      const place = mountedAt(req, path)
      if (place === null) return next === undefined ? notFound(res) : next()
      const { base, rest } = place
      setHeaders(res)
      if (rest.startsWith(AdminApi.root)) return answerApi(req, res, rest.slice(AdminApi.root.length), base)
      if (rest === "") {
        // Relative, so that it holds behind a proxy that has taken something off.
        const name = base.slice(base.lastIndexOf("/") + 1)
        return void res.writeHead(308, { location: `${name}/`, "content-length": 0 }).end()
      }
      page ??= Page.load(options.page ?? builtPage())
      void Page.serve(page, req, res, rest.slice(1)).catch(() => res.destroy())
    },
    api: (req, res, next) => {
      const asked = (req.url ?? "").split("?", 1)[0]!
      if (!asked.startsWith(AdminApi.root)) return next === undefined ? notFound(res) : next()
      setHeaders(res)
      answerApi(req, res, asked.slice(AdminApi.root.length), null)
    },
  }
}
