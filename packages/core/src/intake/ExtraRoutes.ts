import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { InvalidOptions, OptionProblem } from "../base/InvalidOptions.ts"
import type { Codec } from "../ports/Codec.ts"
import type { Documents } from "../ports/Documents.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { Principal } from "./keyRing.ts"
import type { IngestBody, IngestReply, RequestHead } from "./request.ts"

export type { Principal }

/** A request on a route of an extension's, before its body. */
export interface ExtraRequest extends RequestHead {
  /** The URL's path, with what stands before the route's, and without slashes at its end. */
  readonly path: string
  /** The URL's query with its question mark; empty when there is none. */
  readonly query: string
  /** When it came, in ms since the epoch. */
  readonly receivedAt: number
  /**
   * Finds the client's address, or the network it is in, where the option `client` says that it is
   * kept; `null` where it is not, and where only its hash is. To be asked before the body has come:
   * once its connection is closed, nobody knows it any more.
   */
  readonly address: () => string | null
  /**
   * Finds whose a key is, `null` when nobody's. Where no keys are asked for, everybody has all
   * rights.
   */
  readonly principalOf: (key: string) => Principal | null
}

/** A reply before the headers that depend on the route and the page that asks. */
export type ExtraReply = Omit<IngestReply, "headers"> & {
  /** By lower-case name, in place of ours where both have one. */
  readonly headers?: IngestReply["headers"]
}

/** A route that is answered by an extension. */
export interface ExtraRoute {
  /** Names it in `paths` of the options, and where requests are counted. */
  readonly name: string
  /**
   * How its URLs' paths end, without the slash before it: one segment or two. A last segment
   * `*.json` stands for any that ends so.
   */
  readonly paths: ReadonlyArray<string>
  readonly methods: ReadonlyArray<"GET" | "POST">
  /** Whether browsers call it from pages of other origins. */
  readonly browsers: boolean
  /** How large a body may be, as it comes. */
  readonly maxBytes: number
  /**
   * Answers what the head alone decides; else returns what answers once the body is there. What it
   * runs may be interrupted.
   */
  readonly begin: (request: ExtraRequest) => ExtraReply | ((body: IngestBody) => Effect.Effect<ExtraReply>)
}

/** What an extension needs in order to make its routes. */
export type RouteServices = Codec | Documents | Scope.Scope

/** Adds routes to the intake. Ours win where both have a path. */
export interface RouteExtension {
  /** Run once, at the start. Its scope closes with the intake's. */
  readonly routes?: Effect.Effect<ReadonlyArray<ExtraRoute>, InvalidOptions | StoreError, RouteServices>
}

/** Makes the routes of all extensions, or says all that is wrong with the extensions' options. */
export const makeExtras = Effect.fnUntraced(function* (extensions: ReadonlyArray<RouteExtension>) {
  const extras: Array<ExtraRoute> = []
  const problems: Array<OptionProblem> = []
  for (const { routes } of extensions) {
    if (routes === undefined) continue
    const made = yield* Effect.result(routes)
    if (Result.isSuccess(made)) extras.push(...made.success)
    else if (made.failure._tag === "InvalidOptions") problems.push(...made.failure.problems)
    else return yield* made.failure
  }
  return { extras, problems }
})
