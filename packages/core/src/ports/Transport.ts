import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

/** How a receiver is reached, where that is not the usual way. */
export interface Connection {
  readonly tls?: {
    /** PEM: the authorities that are believed, in place of the usual ones. */
    readonly ca?: string
    /** PEM: the client's certificate, and those between it and its authority. */
    readonly cert?: string
    /** PEM: its private key. */
    readonly key?: string
    /** The name that the receiver's certificate is for, where it is not the URL's. */
    readonly servername?: string
  }
  /**
   * The URL of an HTTP proxy, with credentials where it asks for them, or `"env"`: what
   * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say. It resolves the receiver's name, so nobody can
   * tell from here where that leads.
   */
  readonly proxy?: string
}

export interface TransportRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** ms for the whole attempt, from connecting to the end of the reply's headers and body. */
  readonly timeout: number
  /** Requests with the same one share connections. */
  readonly connection?: Connection
  /** A person looks at the reply: the details are told, too, as far as they are known. */
  readonly wantsDetails?: boolean
}

/** What a person may want to know of a reply besides. */
export interface ReplyDetails {
  /** By lower-case name; bounded as {@link maxReplyHeaders} says. */
  readonly headers: Readonly<Record<string, string>>
  /** Where the connection led to; `null` when it led to a proxy. */
  readonly address: string | null
  /** ms until the request could begin: for the name, the connection and TLS, where it was new. */
  readonly connect: number
  /** ms from there to the first byte of the reply. */
  readonly firstByte: number
}

/** How many headers of a reply are told, and how many characters of each. */
export const maxReplyHeaders = { count: 64, length: 1024 }

export interface TransportReply {
  readonly status: number
  /** The header as it came. */
  readonly retryAfter: string | null
  /**
   * The beginning of the reply's body, at most {@link maxReplyLength} characters: what a person
   * needs to see the reason.
   */
  readonly body: string
  /**
   * Nobody reads the request's body any more: its bytes may be written over, which spares a buffer
   * for each request. A receiver may answer before it has all of it, so left out by who cannot
   * tell.
   */
  readonly isBodyFree?: boolean
  /** Left out by who is not asked for it, or cannot tell. */
  readonly details?: ReplyDetails
}

export const maxReplyLength = 1024

/** No complete reply came. `message` never holds the URL's query, a header or a body. */
export class TransportError extends Data.TaggedError("TransportError")<{
  /**
   * `AddressRefused` and `CertificateRefused` are set up wrongly, at one end or the other; the rest
   * may be an outage.
   */
  readonly reason: "Timeout" | "ConnectionFailed" | "AddressRefused" | "CertificateRefused"
  readonly message: string
  /** No byte of the request has left: there was no connection. Left out by who cannot tell. */
  readonly neverLeft?: true
}> {}

/**
 * Sends one request and reads the reply; follows no redirect, retries nothing, and stops at once
 * when interrupted.
 */
export class Transport extends Context.Service<
  Transport,
  { readonly send: (request: TransportRequest) => Effect.Effect<TransportReply, TransportError> }
>()("@millrace/core/Transport") {}
