import { Signature } from "@millrace/core"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { codec } from "./codec.ts"

/** What a receiver knows: one secret of each kind, or several during a rotation. */
export interface ReceiverSecrets {
  /** `whsec_...` */
  readonly standardWebhooks?: string | ReadonlyArray<string>
  /** Statsig's signing secret. */
  readonly statsig?: string
}

export type SignatureCheck =
  | { readonly valid: true }
  | { readonly valid: false; readonly reason: Signature.SignatureError["reason"] }

/** An empty secret is one that everybody knows: mostly a variable that was not set. */
const requireSecrets = ({ standardWebhooks, statsig }: Signature.Secrets): void => {
  if (standardWebhooks.length === 0 && statsig === null) {
    throw new TypeError("verifySignature: no secret is given, so nothing could be verified")
  }
  for (const secret of standardWebhooks) {
    if (Signature.standardKey(secret) === null) {
      throw new TypeError("verifySignature: standardWebhooks: expected whsec_ and 24 to 64 bytes in base64")
    }
  }
  if (statsig !== null && (typeof statsig !== "string" || statsig.trim() === "")) {
    throw new TypeError("verifySignature: statsig: expected a secret that is not empty")
  }
}

const requireBytes = (body: unknown): void => {
  if (body instanceof Uint8Array) return
  const what = typeof body === "string" ? "text" : body === undefined ? "nothing" : "a parsed body"
  throw new TypeError(
    `verifySignature: the body is ${what}, and what is signed are its raw bytes: give it those, in Express by express.raw({ type: "*/*" }) on this route`,
  )
}

/**
 * For receivers: whether a webhook comes from a sender that knows the secret, in constant time.
 * Give it the body's bytes as they came; a body that was parsed and written again has another
 * signature. Throws a `TypeError` for an empty secret, and for a body that is not bytes: these are
 * mistakes of the program, and must not look like a forgery, or like a valid signature.
 *
 * @example
 * ```ts
 * const request = { headers: req.headers, body: rawBody }
 * const check = verifySignature(request, { standardWebhooks: "whsec_..." })
 * if (!check.valid) return res.writeHead(401).end(check.reason)
 * ```
 * @param options `tolerance`: how old a signature may be, 5 minutes by default; `now`: ms since the
 * epoch
 */
export const verifySignature = (
  message: Signature.ReceivedMessage,
  { standardWebhooks = [], statsig }: ReceiverSecrets,
  options: { readonly tolerance?: Duration.Input; readonly now?: number } = {},
): SignatureCheck => {
  const secrets = {
    standardWebhooks: typeof standardWebhooks === "string" ? [standardWebhooks] : standardWebhooks,
    statsig: statsig ?? null,
  }
  requireSecrets(secrets)
  requireBytes(message.body)
  const tolerance = Duration.toMillis(
    Duration.fromInputUnsafe(options.tolerance ?? Signature.defaultTolerance),
  )
  const result = Signature.verify(codec, secrets, message, options.now ?? Date.now(), tolerance)
  return Result.isSuccess(result) ? { valid: true } : { valid: false, reason: result.failure.reason }
}
