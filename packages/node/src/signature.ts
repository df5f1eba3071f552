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

/**
 * For receivers: whether a webhook comes from a sender that knows the secret, in constant time. Give it the body's bytes as they came; a
 * body that was parsed and written again has another signature.
 *
 * @example
 * ```ts
 * const check = verifySignature({ headers: req.headers, body: rawBody }, { standardWebhooks: "whsec_..." })
 * if (!check.valid) return res.writeHead(401).end(check.reason)
 * ```
 * @param options `tolerance`: how old a signature may be, 5 minutes by default; `now`: ms since the epoch
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
  const tolerance = Duration.toMillis(
    Duration.fromInputUnsafe(options.tolerance ?? Signature.defaultTolerance),
  )
  const result = Signature.verify(codec, secrets, message, options.now ?? Date.now(), tolerance)
  return Result.isSuccess(result) ? { valid: true } : { valid: false, reason: result.failure.reason }
}
