import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { hex } from "./hex.ts"

/** What signing needs of the `Codec` port. */
export interface Hmac {
  /** Reads the parts one after the other. */
  readonly hmacSha256: (key: Uint8Array, ...parts: ReadonlyArray<Uint8Array | string>) => Uint8Array
}

/**
 * The secrets of one destination or one sender. Both kinds may be set: then both signatures are
 * sent, and either is enough for a receiver.
 */
export interface Secrets {
  /**
   * `whsec_` and base64, as standardwebhooks.com says. There are several during a rotation: a
   * sender signs with all of them, a receiver takes any.
   */
  readonly standardWebhooks: ReadonlyArray<string>
  /** Statsig's signing secret (`webhook-...`), for its `v0` signature; `null` for none. */
  readonly statsig: string | null
}

export const headerNames = {
  id: "webhook-id",
  timestamp: "webhook-timestamp",
  signature: "webhook-signature",
  statsigTimestamp: "x-statsig-request-timestamp",
  statsigSignature: "x-statsig-signature",
} as const

const prefix = "whsec_"

const fromBase64 = (text: string): Uint8Array | null => {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return null
  }
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

/**
 * Reads the key in a Standard Webhooks secret, 24 to 64 bytes, as that specification asks for;
 * `null` when there is none.
 */
export const standardKey = (secret: string): Uint8Array | null => {
  const key = secret.startsWith(prefix) ? fromBase64(secret.slice(prefix.length)) : null
  return key !== null && key.length >= 24 && key.length <= 64 ? key : null
}

export interface SignedMessage {
  /** The same on every attempt. */
  readonly id: string
  /** ms since the epoch, of this attempt. */
  readonly sentAt: number
  /** The bytes as they go over the wire. */
  readonly body: Uint8Array
}

/** Makes the signing headers of each message: keys are read once. */
export const signer = (
  codec: Hmac,
  secrets: Secrets,
): ((message: SignedMessage) => Readonly<Record<string, string>>) => {
  const keys = secrets.standardWebhooks.flatMap((secret) => standardKey(secret) ?? [])
  const statsigKey = secrets.statsig === null ? null : new TextEncoder().encode(secrets.statsig)
  return ({ id, sentAt, body }) => {
    const seconds = String(Math.floor(sentAt / 1000))
    return {
      [headerNames.id]: id,
      [headerNames.timestamp]: seconds,
      ...(keys.length === 0
        ? {}
        : {
            [headerNames.signature]: keys
              .map((key) => `v1,${toBase64(codec.hmacSha256(key, `${id}.${seconds}.`, body))}`)
              .join(" "),
          }),
      ...(statsigKey === null
        ? {}
        : {
            [headerNames.statsigTimestamp]: String(sentAt),
            [headerNames.statsigSignature]: `v0=${hex(codec.hmacSha256(statsigKey, `v0:${sentAt}:`, body))}`,
          }),
    }
  }
}

/**
 * - `Missing`: no signature of a kind for which there is a secret.
 * - `Malformed`: its headers cannot be read.
 * - `Expired`: signed too long ago, or too far in the future: it may be a replay.
 * - `Mismatch`: another body, another secret, or a forgery.
 */
export class SignatureError extends Data.TaggedError("SignatureError")<{
  readonly reason: "Missing" | "Malformed" | "Expired" | "Mismatch"
}> {}

export interface ReceivedMessage {
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** As it came over the wire: a parsed body cannot be verified. */
  readonly body: Uint8Array
}

/** 5 minutes: what Standard Webhooks' own libraries allow for clocks that differ. */
export const defaultTolerance = 5 * 60 * 1000

/** Takes as long for a wrong signature as for a right one. */
const equal = (a: string, b: string): boolean => {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at % (b.length || 1))
  return difference === 0
}

/**
 * Says what the head of a message alone shows against its `v0` signature: the body of one that is
 * out of form or out of date need not be read.
 *
 * @param now ms since the epoch
 */
export const statsigProblem = (
  { headers }: Pick<ReceivedMessage, "headers">,
  now: number,
  tolerance: number = defaultTolerance,
): SignatureError | null => {
  const signature = headers[headerNames.statsigSignature]
  const millis = headers[headerNames.statsigTimestamp]
  if (typeof signature !== "string" || !/^v0=[0-9a-f]{64}$/.test(signature)) {
    return new SignatureError({ reason: "Malformed" })
  }
  if (typeof millis !== "string" || !/^\d{1,15}$/.test(millis))
    return new SignatureError({ reason: "Malformed" })
  return Math.abs(now - Number(millis)) <= tolerance ? null : new SignatureError({ reason: "Expired" })
}

/**
 * Checks what a sender has signed, by Standard Webhooks or by Statsig's `v0`, in constant time.
 *
 * @param now ms since the epoch
 * @param tolerance ms by which the signature's time may differ from `now`
 */
export const verify = (
  codec: Hmac,
  secrets: Secrets,
  { headers, body }: ReceivedMessage,
  now: number,
  tolerance: number = defaultTolerance,
): Result.Result<void, SignatureError> => {
  const header = (name: string): string | null => {
    const value = headers[name]
    return typeof value === "string" ? value : null
  }
  const isFresh = (millis: number) => Math.abs(now - millis) <= tolerance
  const fail = (reason: SignatureError["reason"]) => Result.fail(new SignatureError({ reason }))

  const given = header(headerNames.signature)
  if (given !== null && secrets.standardWebhooks.length > 0) {
    const id = header(headerNames.id)
    const seconds = header(headerNames.timestamp)
    // Dots separate what is signed: with one in the id, what was signed for one message could be
    // read as another.
    if (id === null || id === "" || id.includes(".")) return fail("Malformed")
    if (seconds === null || !/^\d{1,12}$/.test(seconds)) return fail("Malformed")
    if (!isFresh(Number(seconds) * 1000)) return fail("Expired")
    let matches = false
    for (const secret of secrets.standardWebhooks) {
      const key = standardKey(secret)
      if (key === null) continue
      const expected = `v1,${toBase64(codec.hmacSha256(key, `${id}.${seconds}.`, body))}`
      for (const one of given.split(" ")) matches = equal(one, expected) || matches
    }
    return matches ? Result.succeed(undefined) : fail("Mismatch")
  }

  if (headers[headerNames.statsigSignature] === undefined || secrets.statsig === null) return fail("Missing")
  const problem = statsigProblem({ headers }, now, tolerance)
  if (problem !== null) return Result.fail(problem)
  const key = new TextEncoder().encode(secrets.statsig)
  const millis = headers[headerNames.statsigTimestamp] as string
  const expected = `v0=${hex(codec.hmacSha256(key, `v0:${millis}:`, body))}`
  return equal(headers[headerNames.statsigSignature] as string, expected)
    ? Result.succeed(undefined)
    : fail("Mismatch")
}
