import { type Position, StoreError, type StoreReason } from "@millrace/core/store"
import { type ApiError, JetStreamApiError } from "@nats-io/jetstream"
import {
  AuthorizationError,
  ClosedConnectionError,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from "@nats-io/nats-core"

const error = (
  _tag: Exclude<StoreReason["_tag"], "OutOfRange">,
  message: string,
  cause?: unknown,
): StoreError => {
  const made = new StoreError({ reason: { _tag }, message, ...(cause === undefined ? {} : { cause }) })
  // Until it is read, V8 keeps everything that the calls on the stack hold: the bodies of an append
  // that was refused.
  void made.stack
  return made
}

export const closed = (): StoreError => error("Closed", "the store has been closed")

export const full = (message: string): StoreError => error("Full", message)

export const capReached = (maxBytes: number): StoreError =>
  full(`the log's ${maxBytes} bytes are taken by entries not yet delivered`)

export const unavailable = (message: string, cause?: unknown): StoreError =>
  error("Unavailable", message, cause)

export const corrupt = (message: string): StoreError => error("Corrupt", message)

export const incompatible = (message: string): StoreError => error("Incompatible", message)

export const outOfRange = (
  position: Position.Position,
  ends: Pick<Extract<StoreReason, { _tag: "OutOfRange" }>, "tail" | "head" | "resumeAt">,
): StoreError =>
  new StoreError({
    reason: { _tag: "OutOfRange", ...ends },
    message: `position "${position}" is outside the log, which holds those after "${ends.tail}" up to "${ends.head}"`,
  })

/**
 * Error codes of the JetStream API
 * (https://github.com/nats-io/nats-server/blob/main/server/errors.json).
 */
const codes = {
  notEnabled: 10076,
  notEnabledForAccount: 10039,
  streamNotFound: 10059,
  wrongLastSequence: 10071,
  subjectOverlap: 10065,
  streamNameInUse: 10058,
  insufficientResources: 10023,
  accountResources: 10002,
  memoryResources: 10028,
  storageResources: 10047,
  storeFailed: 10077,
  noSuitablePeers: 10005,
  noLeader: 10008,
  notLeader: 10009,
} as const

const apiErrorOf = (error: unknown): ApiError | undefined =>
  error instanceof JetStreamApiError ? error.apiError() : undefined

/** A write that expected another state of the stream, or of the key. */
export const isConflict = (error: unknown): boolean => apiErrorOf(error)?.err_code === codes.wrongLastSequence

export const isStreamNotFound = (error: unknown): boolean =>
  apiErrorOf(error)?.err_code === codes.streamNotFound

/** The errors that the client wraps one in another, outermost first. */
const chain = (error: unknown): ReadonlyArray<unknown> =>
  error instanceof Error && error.cause !== undefined ? [error, ...chain(error.cause)] : [error]

/** Nobody listened to what was asked. */
export const isUnheard = (error: unknown): boolean =>
  chain(error).some((one) => one instanceof NoRespondersError)

/** A stream of this store is not there: see what has become of the others. */
class Missing extends Error {}

export const isMissing = ({ cause }: StoreError): boolean => cause instanceof Missing

/** Somebody has made them again, or is about to. */
export const madeAgain = (server: string): StoreError =>
  unavailable(`${server}: the store was emptied, and is begun anew`)

/** @param level at which entries had been acknowledged */
export const lost = (server: string, level: string): StoreError =>
  error(
    "Lost",
    `${server}: the store was emptied while it was open: its streams are gone, and with them what was acknowledged at level "${level}". ` +
      "Put the servers' data back and start again; or start again without, to begin anew",
  )

/** What a cluster that is choosing a leader answers, or keeps silent about. */
class Electing extends Error {}

/** A new leader that has not gone through all that was acknowledged. */
export const notYet = (): StoreError =>
  unavailable("the server does not have all its messages ready yet", new Electing())

/**
 * Whether it is mended when the stream has a leader again: asked once more, and soon, the same call
 * may be answered.
 */
export const mayPass = ({ reason, cause }: StoreError): boolean =>
  reason._tag === "Unavailable" && cause instanceof Electing

/**
 * The servers' own room is used up, or what they let this account have: it is not the log's cap.
 */
class OutOfRoom extends Error {}

export const isOutOfRoom = ({ cause }: StoreError): boolean => cause instanceof OutOfRoom

const outOfRoom = (server: string, description: string): StoreError =>
  error("Full", `${server}: JetStream has no room left (${description})`, new OutOfRoom())

/** What is answered for a stream that is to have more room than there is. */
export const isTooLarge = (error: unknown): boolean => {
  const code = apiErrorOf(error)?.err_code
  return (
    code === codes.storageResources ||
    code === codes.memoryResources ||
    code === codes.insufficientResources ||
    code === codes.noSuitablePeers
  )
}

const ofApi = ({ err_code, description }: ApiError, server: string): StoreError => {
  switch (err_code) {
    case codes.notEnabled:
      return unavailable(`${server}: JetStream is not enabled on this server`)
    case codes.notEnabledForAccount:
      return unavailable(`${server}: JetStream is not enabled for this account`)
    case codes.subjectOverlap:
    case codes.streamNameInUse:
      return corrupt(`${server}: another program's streams are in the way (${description})`)
    case codes.streamNotFound:
      return error("Corrupt", `${server}: a stream of this store has been deleted`, new Missing())
    case codes.insufficientResources:
    case codes.accountResources:
    case codes.memoryResources:
    case codes.storageResources:
      return outOfRoom(server, description)
    case codes.storeFailed:
      return /maximum (bytes|messages)|no space left/.test(description)
        ? outOfRoom(server, description)
        : unavailable(`${server}: JetStream says: ${description}`)
    case codes.noLeader:
    case codes.notLeader:
      return unavailable(`${server}: JetStream has no leader now`, new Electing())
    default:
      return unavailable(`${server}: JetStream says: ${description}`)
  }
}

const noTls = "no TLS on this port: is it nats:// instead of tls://?"

/** What the client says of a server that has introduced itself, and knows no TLS. */
const isWithoutTls = (error: unknown): boolean =>
  error instanceof Error &&
  /server does not support 'tls'|'?tls'? is not available on this server/.test(error.message)

export const tlsWanted = (server: string): StoreError =>
  unavailable(`${server}: TLS on this port: is it tls:// instead of nats://?`)

/** OpenSSL's names of what is wrong with a certificate, as Node gives them. */
const certificates = /CERT|ISSUER|LEAF_SIGNATURE/

/** What the operating system says of a connection that cannot be made. */
const systemReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "no such host",
  ETIMEDOUT: "no answer",
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
}

const systemReasonOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return undefined
  const { code } = error
  return certificates.test(code)
    ? `the server's certificate is not trusted (${code}): name its authority by NODE_EXTRA_CA_CERTS=PATH`
    : (systemReasons[code] ?? `cannot connect (${code})`)
}

const ofOne = (error: unknown, server: string): StoreError | undefined => {
  const api = apiErrorOf(error)
  if (api !== undefined) return ofApi(api, server)
  if (error instanceof ClosedConnectionError) return closed()
  if (error instanceof TimeoutError) return unavailable(`${server}: no answer in time`, new Electing())
  if (error instanceof NoRespondersError) {
    return unavailable(
      `${server}: JetStream does not answer: it is not enabled, or has no leader now`,
      new Electing(),
    )
  }
  if (error instanceof PermissionViolationError) {
    const verb = error.operation === "publish" ? "publish to" : "subscribe to"
    return unavailable(`${server}: this user may not ${verb} "${error.subject}"`)
  }
  if (error instanceof UserAuthenticationExpiredError || error instanceof AuthorizationError) {
    return unavailable(`${server}: not authorized: wrong user, password, token or credentials`)
  }
  const reason = isWithoutTls(error) ? noTls : systemReasonOf(error)
  return reason === undefined ? undefined : unavailable(`${server}: ${reason}`)
}

/** @param server what to call it in the message */
export const toStoreError = (error: unknown, server: string): StoreError => {
  if (error instanceof StoreError) return error
  for (const one of chain(error)) {
    const known = ofOne(one, server)
    if (known !== undefined) return known
  }
  return unavailable(`${server}: ${error instanceof Error ? error.message : String(error)}`)
}
