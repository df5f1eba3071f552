import type { SinkReply } from "../../ports/Sink.ts"

/** What came of a test, as far as advice depends on it. */
export interface Tested extends Pick<SinkReply, "outcome" | "status" | "noReply" | "error"> {
  /** The reply's. */
  readonly location?: string | undefined
  /** Whether requests carry headers of the destination's own. */
  readonly hasHeaders: boolean
  /** ms. */
  readonly timeout: number
}

const noReply: Readonly<Record<NonNullable<Tested["noReply"]>, (tested: Tested) => string>> = {
  AddressRefused: () =>
    "It is a private address. Start the server with --allow-private-destinations to send there.",
  CertificateRefused: () =>
    "Its certificate is not believed. Give the authority that signed it as tls.ca, or mend the certificate.",
  Timeout: ({ timeout }) =>
    `Nothing was answered within ${timeout / 1000} s. Is the port right, and does a firewall let this machine through?`,
  ConnectionFailed: ({ error }) => {
    const said = error ?? ""
    if (said.includes("not found")) return "Its name is not known. Is the host spelled right?"
    if (said.includes("refused")) return "Nothing listens there. Does the receiver run, and on this port?"
    if (said.includes("no TLS"))
      return "It does not speak TLS on this port. Is it http:// instead of https://?"
    return "No connection came about, or it broke off. Is the receiver running, and within reach of this machine?"
  },
}

const byStatus: Readonly<Record<number, (tested: Tested) => string>> = {
  401: ({ hasHeaders }) =>
    hasHeaders
      ? "is the receiver's key right, in headers?"
      : "is the receiver's key missing? Add it to headers.",
  403: () => "may this key send here, and is this machine's address let through?",
  404: () => "there is nothing under this path. Is the URL right?",
  405: () => "it takes no POST here. Is the URL that of the webhook?",
  410: () => "it says that it is gone for good. A destination that answers so is paused.",
  413: () => "even one event is too large for it.",
  415: () => "it does not take this content type. Is another format wanted?",
  429: () => "it wants fewer requests. Set a rate limit.",
}

/** What to do about the outcome of a test, in a sentence or two. */
export const advice = (tested: Tested): string => {
  const { outcome, status, location } = tested
  if (status === null) {
    return tested.noReply === null
      ? "It could not be sent. Events would wait."
      : noReply[tested.noReply](tested)
  }
  if (outcome === "delivered") return `It answers ${status}: events are delivered here.`
  const said = byStatus[status]?.(tested)
  if (said !== undefined) return `It answers ${status}: ${said}`
  if (status >= 300 && status < 400) {
    const to = location === undefined ? "elsewhere" : `to ${location}`
    return `It answers ${status}, and leads ${to}. Redirects are not followed: give that URL.`
  }
  switch (outcome) {
    case "refused":
      return `It answers ${status}: it refuses the event. Its reply may say why; is another format wanted?`
    case "not-now":
      return `It answers ${status}: it is down or busy. Events wait until it answers 2xx.`
    default:
      return `It answers ${status}: it does not take this request. Is the URL right?`
  }
}
