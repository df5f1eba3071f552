import * as Result from "effect/Result"
import type { OptionProblem } from "../../base/InvalidOptions.ts"
import { type JsonObject, objectOrEmpty } from "../../base/json.ts"
import type { Destination } from "../../select/Destination.ts"
import { hintOf } from "./masking.ts"

/** Bytes of a key: as many as SHA-256 makes use of. */
const keyLength = 32

/** Secrets that sign at once: the old one and the new one, and a few that nobody has retired. */
const maxSecrets = 5

/** A secret as Standard Webhooks has it, of the platform's secure random numbers. */
export const newSecret = (): string => {
  const key = globalThis.crypto.getRandomValues(new Uint8Array(keyLength))
  return `whsec_${btoa(String.fromCharCode(...key))}`
}

const withSigning = (options: JsonObject, signing: JsonObject): JsonObject => ({
  ...options,
  signing: { ...objectOrEmpty(options["signing"]), ...signing },
})

/** The options with one more secret, beside those that sign already. */
export const added = (
  options: JsonObject,
  { signing: { standardWebhooks } }: Destination,
  secret: string,
): Result.Result<JsonObject, OptionProblem> =>
  standardWebhooks.length >= maxSecrets
    ? Result.fail({ path: "signing", message: `has ${maxSecrets} secrets: retire one first` })
    : Result.succeed(withSigning(options, { standardWebhooks: [...standardWebhooks, secret] }))

/** The options without the secret that a hint is of, or why it is not known which one that is. */
export const retired = (
  options: JsonObject,
  { signing: { standardWebhooks, statsig } }: Destination,
  hint: string,
): Result.Result<JsonObject, OptionProblem> => {
  const isMeant = (secret: string): boolean => hintOf(secret) === hint
  const meant = standardWebhooks.filter(isMeant)
  const isStatsig = statsig !== null && isMeant(statsig)
  const count = meant.length + (isStatsig ? 1 : 0)
  if (count === 0) return Result.fail({ path: "hint", message: "no secret ends so" })
  if (count > 1)
    return Result.fail({ path: "hint", message: "several secrets end so: change signing itself" })
  return Result.succeed(
    withSigning(
      options,
      isStatsig
        ? { statsig: null }
        : { standardWebhooks: standardWebhooks.filter((secret) => !isMeant(secret)) },
    ),
  )
}
