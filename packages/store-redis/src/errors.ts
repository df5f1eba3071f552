import { StoreError, type StoreReason } from "@millrace/core/store"
import { damaged, emptied } from "./scriptErrors.ts"

const error = (_tag: Exclude<StoreReason["_tag"], "OutOfRange">, message: string): StoreError => {
  const made = new StoreError({ reason: { _tag }, message })
  // Until it is read, V8 keeps everything that the calls on the stack hold: the bodies of an append
  // that was refused.
  void made.stack
  return made
}

export const unavailable = (message: string): StoreError => error("Unavailable", message)

export const tooLow = (message: string): StoreError => error("LevelTooLow", message)

export const corrupt = (message: string): StoreError => error("Corrupt", message)

export const full = (maxBytes: number): StoreError =>
  error("Full", `the log's ${maxBytes} bytes are taken by entries not yet delivered`)

export const closed = (): StoreError => error("Closed", "the store has been closed")

/**
 * The store is not there any more: its keys are gone, or another one's. A call that hears it ends
 * the link, and what is found on coming back decides.
 */
export const isEmptied = (cause: unknown): boolean =>
  cause instanceof Error && new RegExp(`\\b${emptied}\\b`).test(cause.message)

/** Why a link was ended. */
export const wasEmptied = "the store was emptied"

/** @param level at which entries had been acknowledged */
export const emptiedAt = (level: string): string =>
  `the store was emptied while it was open: its keys are gone, or another's, and with them what was acknowledged at level "${level}". ` +
  "Put the server's data back and start again; or start again without, to begin anew"

/** OpenSSL's names of what is wrong with a certificate, as Node gives them. */
const certificates = /CERT|ISSUER|LEAF_SIGNATURE/

/** What ioredis says when it is asked to write after the server has hung up. */
const hungUp = /isn't writeable|Connection is closed/

/** What ioredis says of bytes that are no reply of Redis. */
const noReply = /Unknown RESP type|Protocol error, got/

/** How a call ended, or what keeps a connection from being made. */
export const messageOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  // Node's own for a host with several addresses, none of which answers, has no message.
  if (cause instanceof AggregateError && cause.message === "") return messageOf(cause.errors[0])
  if (/wrong version number|packet length too long/.test(cause.message)) {
    return "no TLS on this port: is it redis:// instead of rediss://?"
  }
  if (hungUp.test(cause.message)) return "the server closed the connection"
  if (noReply.test(cause.message)) return "what answers on this port is no Redis"
  if ("code" in cause && typeof cause.code === "string" && certificates.test(cause.code)) {
    return `the server's certificate is not trusted (${cause.code}): name its authority by NODE_EXTRA_CA_CERTS=PATH`
  }
  return cause.message
}

export const replica = "the server is a read-only replica"
const lostMaster = "the server is a replica that has lost its master"

/**
 * What Redis's error replies mean, by a word in them: the first one, or, when a script was stopped
 * by them, one further back. The reply itself goes into the message where it says more.
 */
const replies: ReadonlyArray<
  readonly [pattern: RegExp, tag: "Unavailable" | "ReadOnly" | "Corrupt" | "Full", meaning: string | null]
> = [
  [new RegExp(`\\b${emptied}\\b`), "Unavailable", wasEmptied],
  [new RegExp(`\\b${damaged}\\b`), "Corrupt", "keys have lost what this program had written"],
  [/\bWRONGTYPE\b/, "Corrupt", "a key holds what this program never wrote"],
  [
    /equal or smaller than the target stream/,
    "Corrupt",
    "the log's stream has entries that this program never wrote",
  ],
  [/\bOOM\b/, "Full", "the server has used up its maxmemory"],
  [/\bLOADING\b/, "Unavailable", "the server is loading its data"],
  [/\bREADONLY\b/, "ReadOnly", replica],
  [/\bMASTERDOWN\b/, "ReadOnly", lostMaster],
  [/\bMISCONF\b.*No space left/, "Full", "the server's disk is full"],
  [
    /\bMISCONF\b/,
    "ReadOnly",
    "the server cannot write to its disk, and refuses to change anything until it can",
  ],
  [/\bNOREPLICAS\b/, "ReadOnly", "the server has too few replicas, and refuses to change anything"],
  [/\bBUSY\b/, "Unavailable", "the server is busy with a script"],
  [/\bCLUSTERDOWN\b/, "Unavailable", "the cluster is down"],
  [/\b(MOVED|ASK|TRYAGAIN)\b/, "Unavailable", "another node of the cluster has the keys of this prefix"],
  [/\bNOAUTH\b/, "Unavailable", "the server wants a password"],
  [/\bWRONGPASS\b|invalid password/, "Unavailable", "wrong user or password"],
  [
    /\bNOPERM\b|can't run this command|can't access at least one of the keys|no permissions/,
    "Unavailable",
    null,
  ],
  [/max number of clients/, "Unavailable", "the server takes no more connections"],
  [/DB index is out of range/, "Unavailable", "the server has no database of this number"],
]

/** The words of an error reply, without where in a script it arose. */
const words = (reply: string): string =>
  reply
    .replace(/^-/, "")
    .split(/\s+script: /)[0]
    ?.slice(0, 200) ?? ""

/** @param name of the server, to stand in the message */
export const fromReply = (cause: unknown, name: string): StoreError => {
  const message = messageOf(cause)
  for (const [pattern, tag, meaning] of replies) {
    if (pattern.test(message))
      return error(tag, `${name}: ${meaning ?? `missing privileges: ${words(message)}`}`)
  }
  return unavailable(`${name}: ${words(message)}`)
}

/** What a server answers that has been made a replica while it was connected. */
const demoted: ReadonlyArray<readonly [pattern: RegExp, meaning: string]> = [
  [/\bREADONLY\b/, replica],
  [/\bMASTERDOWN\b/, lostMaster],
]

/** How every call fails while there is no connection. @param why none was kept, or could be made */
export const down = (name: string, why: string): StoreError =>
  error(demoted.some(([, meaning]) => meaning === why) ? "ReadOnly" : "Unavailable", `${name}: ${why}`)

/** Why a reply says that another server takes the writes now; `undefined` when it does not. */
export const whyDemoted = (cause: unknown): string | undefined => {
  const message = messageOf(cause)
  return demoted.find(([pattern]) => pattern.test(message))?.[1]
}
