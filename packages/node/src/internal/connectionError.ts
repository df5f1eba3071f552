// Messages of undici, of TLS and of Node may hold headers, hosts and paths: only codes are let through.
const isCode = (code: unknown): code is string =>
  typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)

/** The code of what went wrong on a connection or with a file, as Node, TLS and undici name it. */
export const codeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if ("code" in error && isCode(error.code)) return error.code
  // Several addresses were tried (AggregateError), or one error was wrapped in another.
  const inner = "errors" in error && Array.isArray(error.errors) ? error.errors[0] : error.cause
  return inner === undefined ? undefined : codeOf(inner)
}

const messages: Readonly<Record<string, string>> = {
  ETIMEDOUT: "connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "no connection within 10 seconds",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed while sending",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "host name could not be resolved now",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  UND_ERR_SOCKET: "connection closed before the reply was complete",
  UND_ERR_INVALID_ARG: "the URL or a header cannot be sent",
}

/** What went wrong on a connection, in words, without anything of the URL, the headers or the bodies. */
export const connectionMessage = (error: unknown): string => {
  const code = codeOf(error)
  if (code === undefined) return "connection failed"
  const text = messages[code]
  return text === undefined ? `connection failed (${code})` : `${text} (${code})`
}
