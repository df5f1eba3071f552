import { expect, test } from "vitest"
import { outcomeOfStatus } from "../../../src/deliver/Delivery.ts"
import { advice, type Tested } from "../../../src/operate/destinations/advice.ts"

const tested = (more: Partial<Tested>): Tested => ({
  ...{ outcome: "delivered", status: 200, noReply: null, error: null, hasHeaders: false, timeout: 30_000 },
  ...more,
})

const answers: ReadonlyArray<readonly [number, string, Partial<Tested>?]> = [
  [202, "It answers 202: events are delivered here."],
  [401, "It answers 401: is the receiver's key missing? Add it to headers."],
  [401, "It answers 401: is the receiver's key right, in headers?", { hasHeaders: true }],
  [403, "It answers 403: may this key send here, and is this machine's address let through?"],
  [404, "It answers 404: there is nothing under this path. Is the URL right?"],
  [405, "It answers 405: it takes no POST here. Is the URL that of the webhook?"],
  [410, "It answers 410: it says that it is gone for good. A destination that answers so is paused."],
  [413, "It answers 413: even one event is too large for it."],
  [415, "It answers 415: it does not take this content type. Is another format wanted?"],
  [422, "It answers 422: it refuses the event. Its reply may say why; is another format wanted?"],
  [429, "It answers 429: it wants fewer requests. Set a rate limit."],
  [500, "It answers 500: it is down or busy. Events wait until it answers 2xx."],
  [418, "It answers 418: it does not take this request. Is the URL right?"],
  [301, "It answers 301, and leads elsewhere. Redirects are not followed: give that URL."],
  [308, "It answers 308, and leads to /b. Redirects are not followed: give that URL.", { location: "/b" }],
]

test.each(answers.map(([status, sentence, more = {}]) => ({ status, sentence, more })))(
  "$status: $sentence",
  ({ status, sentence, more }) => {
    expect(advice(tested({ status, outcome: outcomeOfStatus(status), ...more }))).toBe(sentence)
  },
)

test.each<readonly [Tested["noReply"], string, string]>([
  ["AddressRefused", "10.0.0.1 is not on the public Internet", "--allow-private-destinations"],
  ["CertificateRefused", "the certificate is self-signed", "tls.ca"],
  ["Timeout", "no complete reply within 30000 ms", "within 30 s"],
  ["ConnectionFailed", "host name not found", "spelled right"],
  ["ConnectionFailed", "connection refused", "Nothing listens there"],
  ["ConnectionFailed", "no TLS on this port: is it http:// instead of https://?", "does not speak TLS"],
  ["ConnectionFailed", "connection reset", "broke off"],
])("%s (%s) is advised about: %s", (noReply, error, part) => {
  expect(advice(tested({ outcome: "not-now", status: null, noReply, error }))).toContain(part)
})
