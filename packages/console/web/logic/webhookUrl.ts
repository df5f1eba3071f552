/** Judges the URL of a webhook while it is typed, and finds a name for it. */
import type { Tone } from "../text/words.ts"

export interface Judgement {
  /** `null`: nothing is wrong, and nothing is worth a colour. */
  readonly tone: Tone | null
  readonly text: string
  /** Whether a request can be sent there at all. Whether it may is for the server to say. */
  readonly isUrl: boolean
}

/** As the URL parser writes every IPv4 address, however it was typed. */
const ipv4 = /^\d+(?:\.\d+){3}$/

/**
 * Networks that no public receiver is in: RFC 1918, loopback, link-local, shared, and their like.
 */
const privateV4 =
  /^(?:0|10|127)\.|^169\.254\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^192\.0\.0\.|^198\.1[89]\.|^(?:22[4-9]|23\d|24\d|25[0-5])\./

/** Unspecified, loopback, unique local, link-local, multicast, and addresses of the kind above. */
const privateV6 = /^\[(?:::1?\]|f[cd]|fe[89ab]|ff|::ffff:)/

const privateName = /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa)$/

/** By its name alone: a public name may still lead to a private address. */
export const isPrivateHost = (host: string): boolean =>
  (ipv4.test(host) && privateV4.test(host)) ||
  privateV6.test(host) ||
  privateName.test(host.replace(/\.$/, ""))

const parsed = (text: string): URL | null => {
  const trimmed = text.trim()
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed)) return null
  return new URL(trimmed)
}

/** @param address what a test delivery has found the receiver at */
export const judge = (text: string, address: string | null = null): Judgement => {
  if (text.trim() === "") {
    return {
      tone: null,
      text: "An address that takes POST. Private addresses are refused unless the server allows them.",
      isUrl: false,
    }
  }
  const url = parsed(text)
  if (url === null) return { tone: "dead", text: "Expected a URL with http or https.", isUrl: false }
  if (isPrivateHost(url.hostname)) {
    return {
      tone: "wait",
      text: "A private address. Start the server with --allow-private-destinations to send there.",
      isUrl: true,
    }
  }
  if (url.protocol === "http:") {
    return { tone: "wait", text: "Without TLS everybody on the way can read the events.", isUrl: true }
  }
  if (address !== null && !isPrivateHost(address.includes(":") ? `[${address}]` : address)) {
    return { tone: "flow", text: `Resolves to ${address}, a public address.`, isUrl: true }
  }
  return { tone: null, text: "Send a test event to see whether it takes events.", isUrl: true }
}

/** Parts of a host that say nothing about whose it is. */
const generic = new Set(["www", "api", "hooks", "webhook", "webhooks", "events", "ingest", "app"])

/** What a destination's id has to be. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/**
 * A name for what stands at a URL: its host's most telling part, with a number where it is taken.
 */
export const nameFor = (text: string, taken: ReadonlyArray<string>): string => {
  const host = parsed(text)?.hostname ?? ""
  const isAddress = /^[\d.]+$|^\[/.test(host)
  const labels = host.split(".")
  const own = isAddress ? [] : labels.length > 1 ? labels.slice(0, -1) : labels
  const telling = own.filter((label) => !generic.has(label)).at(-1) ?? own.at(-1) ?? (host && "webhook")
  const name = telling.replace(/[^a-z0-9_-]/gi, "").slice(0, 60)
  const used = new Set([...taken, "intake"])
  if (!used.has(name)) return name
  let number = 2
  while (used.has(`${name}-${number}`)) number += 1
  return `${name}-${number}`
}

/** What is wrong with a name; `null` when nothing is. */
export const nameProblem = (name: string, taken: ReadonlyArray<string>): string | null => {
  if (!idPattern.test(name)) {
    return "Expected 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit."
  }
  if (name === "intake") return "This name is taken: it is where events refused on arrival go."
  return taken.includes(name) ? "There is a destination of this name." : null
}
