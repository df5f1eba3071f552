// Messages of undici, of TLS and of Node may hold headers, hosts and paths: only codes are let
// through. OpenSSL has begun to write some of its own with a slash.
const isCode = (code: unknown): code is string =>
  typeof code === "string" && /^[A-Z][A-Z0-9_/]{1,60}$/.test(code)

/** The code of what went wrong on a connection or with a file, as Node, TLS and undici name it. */
export const codeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if ("code" in error && isCode(error.code)) return error.code
  // Several addresses were tried (AggregateError), or one error was wrapped in another.
  const inner = "errors" in error && Array.isArray(error.errors) ? error.errors[0] : error.cause
  return inner === undefined ? undefined : codeOf(inner)
}

/** Why a certificate is not taken, by OpenSSL's names. */
const certificates: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "the certificate has expired",
  CERT_NOT_YET_VALID: "the certificate is not valid yet: is this machine's clock right?",
  CERT_REVOKED: "the certificate has been revoked",
  CERT_REJECTED: "the certificate is not meant for this",
  CERT_UNTRUSTED: "the certificate is not trusted",
  CERT_SIGNATURE_FAILURE: "the certificate's signature is wrong",
  CERT_CHAIN_TOO_LONG: "the chain of certificates is too long",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "the certificate is signed by an authority that is not trusted (self-signed)",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another host",
  HOSTNAME_MISMATCH: "the certificate is for another host",
  UNABLE_TO_GET_ISSUER_CERT: "the certificate's authority is not known",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the certificate's authority is not known",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "the certificate's authority is not known, or the server does not send the certificates in between",
  INVALID_CA: "the certificate's authority is none",
  INVALID_PURPOSE: "the certificate is not meant for servers",
  PATH_LENGTH_EXCEEDED: "the chain of certificates is too long",
}

/**
 * What the other end says of the certificate that it asks for, in an alert of TLS: OpenSSL's names
 * begin with the version in which there was such an alert first.
 */
const clientCertificate = (code: string): string | undefined => {
  if (code.endsWith("_ALERT_CERTIFICATE_REQUIRED")) return "the receiver wants a client certificate"
  return /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_[A-Z]+|UNKNOWN_CA|ACCESS_DENIED)$/.test(
    code,
  )
    ? "the receiver does not take the client certificate"
    : undefined
}

const messages: Readonly<Record<string, string>> = {
  ...certificates,
  ETIMEDOUT: "connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "no connection within 10 seconds",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed while sending",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name could not be resolved now",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  ETIMEOUT: "host name could not be resolved: no answer from DNS",
  ESERVFAIL: "host name could not be resolved now: the DNS server failed",
  UND_ERR_SOCKET: "connection closed before the reply was complete",
  UND_ERR_HEADERS_OVERFLOW: "the reply's headers are too long",
  ERR_SSL_WRONG_VERSION_NUMBER: "no TLS on this port: is it http:// instead of https://?",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "no TLS on this port: is it http:// instead of https://?",
  ERR_SSL_HTTP_REQUEST: "no TLS on this port: is it http:// instead of https://?",
  EPROTO: "the TLS handshake failed",
  UND_ERR_INVALID_ARG: "the URL or a header cannot be sent",
}

/**
 * Nothing is wrong with the way there: the certificate at its end is not taken, and will not be
 * until somebody changes it.
 */
export const isCertificateError = (error: unknown): boolean => {
  const code = codeOf(error)
  return code !== undefined && (code in certificates || clientCertificate(code) !== undefined)
}

/** A TLS alert in the place of an HTTP reply. */
const isTlsAlert = (error: Error): boolean =>
  "data" in error && typeof error.data === "string" && error.data.startsWith("\x15\x03")

/** What undici makes of bytes that are no HTTP; its code may be missing. */
const isNoHttp = (error: unknown): error is Error =>
  error instanceof Error && error.name === "HTTPParserError"

/**
 * What went wrong on a connection, in words, without anything of the URL, the headers or the
 * bodies.
 */
export const connectionMessage = (error: unknown): string => {
  if (isNoHttp(error)) {
    return isTlsAlert(error)
      ? "this port wants TLS: is it https:// instead of http://?"
      : "the reply is not HTTP"
  }
  const code = codeOf(error)
  if (code === undefined) return "connection failed"
  const text = messages[code] ?? clientCertificate(code)
  return text === undefined ? `connection failed (${code})` : `${text} (${code})`
}
