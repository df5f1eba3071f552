/**
 * Finds out whose a request is: by the key that it shows, or by the signature under its body.
 * Neither takes a time that tells how much of a secret is right.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hex } from "../base/hex.ts"
import { InvalidOptions, type OptionProblem } from "../base/InvalidOptions.ts"
import * as Signature from "../base/Signature.ts"
import type { Dialect } from "../entry/bodyForms.ts"
import { Codec } from "../ports/Codec.ts"
import { type KeyKind, Keys } from "../ports/Keys.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { type HashedKey, makeKeyRing, makeKnownKeys, type Principal } from "./keyRing.ts"

export interface AuthenticationOptions {
  /**
   * Keys that senders must show, besides those in the {@link Keys} store: server keys for every
   * route, client keys for the log_event family only. `"none"` takes events from anybody: an open
   * endpoint has to be asked for, so without it a layer that finds no key at all is not built.
   */
  readonly keys?:
    | { readonly server?: ReadonlyArray<string>; readonly client?: ReadonlyArray<string> }
    | "none"
  /** Besides keys, what makes a request of the event webhook genuine. */
  readonly receive?: {
    /**
     * The signing secret (`webhook-...`) of a webhook in Statsig's console that points here;
     * several during a rotation. A request without a key is taken then when it has a valid `v0`
     * signature, at most 5 minutes old, over the body's bytes as they were sent: compressed, if
     * they came compressed. Within those minutes the same request would be taken again: `dedupe`
     * shares it.
     */
    readonly statsigSecret?: string | ReadonlyArray<string>
  }
}

/** A header's value can carry it, once: several are joined by commas. */
const sendableKey = /^[\x21-\x2b\x2d-\x7e]+$/

/** What is wrong with keys, for whoever takes them from a user. */
export const keyProblems = (kind: KeyKind, keys: ReadonlyArray<string>): ReadonlyArray<OptionProblem> =>
  keys.flatMap((key, index) =>
    sendableKey.test(key)
      ? []
      : [{ path: `keys.${kind}[${index}]`, message: "expected visible ASCII characters without a comma" }],
  )

const keysOf = ({ keys }: AuthenticationOptions): Record<KeyKind, ReadonlyArray<string>> => ({
  server: (keys !== "none" && keys?.server) || [],
  client: (keys !== "none" && keys?.client) || [],
})

const secretsOf = ({ receive }: AuthenticationOptions): ReadonlyArray<string> => {
  const secret = receive?.statsigSecret ?? []
  return typeof secret === "string" ? [secret] : secret
}

/** What is wrong with the options, as far as that can be seen without a store. */
export const problemsOf = (options: AuthenticationOptions): ReadonlyArray<OptionProblem> => {
  const { server, client } = keysOf(options)
  return [
    ...keyProblems("server", server),
    ...keyProblems("client", client),
    ...secretsOf(options).flatMap((secret, index) =>
      secret === ""
        ? [{ path: `receive.statsigSecret[${index}]`, message: "expected a non-empty string" }]
        : [],
    ),
  ]
}

export interface Authentication {
  /** Finds whose a key is, `null` when it may not do this. */
  readonly byKey: (key: string | null, use: Dialect) => Principal | null
  /** Finds who has signed a request, `now` in ms; `null` when no secret is given. */
  readonly bySignature:
    | ((
        message: Signature.ReceivedMessage,
        now: number,
      ) => Result.Result<Principal, Signature.SignatureError>)
    | null
  /** The keys given as options. */
  readonly configured: () => ReadonlyArray<HashedKey>
  /** Reads the {@link Keys} store again. The keys given as options stay. */
  readonly reload: Effect.Effect<void, StoreError>
  /**
   * Makes ready to go by other keys than those given as options. What it returns does it, and
   * cannot fail; until then nothing is changed.
   */
  readonly exchange: (
    given: NonNullable<AuthenticationOptions["keys"]>,
  ) => Effect.Effect<() => void, InvalidOptions | StoreError>
}

/**
 * Fails with {@link InvalidOptions} when there is no key at all, and nobody said that there need be
 * none.
 */
export const make = Effect.fnUntraced(function* (
  options: AuthenticationOptions,
): Effect.fn.Return<Authentication, InvalidOptions | StoreError, Codec | Keys> {
  const codec = yield* Codec
  const keyStore = yield* Keys

  const hashed = (keys: ReadonlyArray<string>, kind: KeyKind): ReadonlyArray<HashedKey> =>
    keys.map((key) => ({ hash: hex(codec.sha256(key)), kind }))
  const secrets = secretsOf(options)
  /** By what is given as options, and what the store has. */
  const read = Effect.fnUntraced(function* (given: AuthenticationOptions["keys"]) {
    if (given === "none") return { given, configured: [], keys: null }
    const { server, client } = keysOf({ keys: given ?? {} })
    const configured = [...hashed(server, "server"), ...hashed(client, "client")]
    const ring = makeKeyRing([...configured, ...(yield* keyStore.list)])
    const known = [...server, ...client].map((key) => [key, ring.find(codec.sha256(key))!] as const)
    return { given, configured, keys: { ring, known: makeKnownKeys(known) } }
  })
  const readSome = Effect.fnUntraced(function* (given: AuthenticationOptions["keys"]) {
    const found = yield* read(given)
    if (found.keys?.ring.size !== 0 || secrets.length > 0) return found
    return yield* new InvalidOptions({
      problems: [
        { path: "keys", message: 'no key is configured: give one, or "none" to take events from anybody' },
      ],
    })
  })
  let current = yield* readSome(options.keys)

  const anybody: Principal = { kind: "server", id: null }

  const byKey = (key: string | null, use: Dialect): Principal | null => {
    const { keys } = current
    if (keys === null) return anybody
    if (key === null) return null
    const principal = keys.known.find(key) ?? keys.ring.find(codec.sha256(key))
    return principal?.kind === "client" && use !== "log_event" ? null : principal
  }

  const bySignature = (
    message: Signature.ReceivedMessage,
    now: number,
  ): Result.Result<Principal, Signature.SignatureError> => {
    // All of them, so that the time does not tell which one it was.
    const results = secrets.map((statsig) =>
      Signature.verify(codec, { standardWebhooks: [], statsig }, message, now),
    )
    return Result.map(results.find(Result.isSuccess) ?? results[0]!, () => anybody)
  }

  const authentication: Authentication = {
    byKey,
    bySignature: secrets.length === 0 ? null : bySignature,
    configured: () => current.configured,
    reload: Effect.suspend(() =>
      Effect.map(read(current.given), (found) => {
        current = found
      }),
    ),
    exchange: Effect.fnUntraced(function* (given) {
      const problems = problemsOf({ keys: given })
      if (problems.length > 0) return yield* new InvalidOptions({ problems })
      const found = yield* readSome(given)
      return () => {
        current = found
      }
    }),
  }
  return authentication
})
