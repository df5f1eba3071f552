import * as Schema from "effect/Schema"
import type { OptionProblem } from "../base/InvalidOptions.ts"
import * as IpAddress from "../base/ipAddress.ts"
import { problemsOf } from "../base/SchemaProblems.ts"
import * as Utf8 from "../base/utf8.ts"
import type { ClientFacts } from "../entry/Envelope.ts"
import type { Codec } from "../ports/Codec.ts"
import { hashKeyProblems } from "../select/Destination.ts"
import { type Hash, hashWith } from "../select/Fields.ts"
import { makeClientAddress } from "./clientAddress.ts"
import type { RequestHead } from "./request.ts"
import { headerOf } from "./requestHead.ts"

/** Ranges of all large content networks together come to some hundred. */
const maxTrusted = 1_000

const Range = Schema.String.check(
  Schema.makeFilter((text) => {
    const range = IpAddress.parseRange(text)
    return typeof range !== "string" || range
  }),
)

/** What is kept of the client that sends a request, as a configuration says it. */
export const ClientConfig = Schema.Struct({
  /**
   * Its address: `keep` as it is, `truncate` to the network it is in (/24 of IPv4, /48 of IPv6),
   * `hash` with the installation's `hashKey`, as `fields.hash` does. `off` by default.
   */
  ip: Schema.optionalKey(Schema.Literals(["off", "keep", "truncate", "hash"])),
  /**
   * Addresses and ranges of proxies whose `x-forwarded-for` or `forwarded` is believed. Nobody by
   * default: then the client is whoever has opened the connection.
   */
  trust: Schema.optionalKey(Schema.Array(Range).check(Schema.isMaxLength(maxTrusted))),
  /** Its `user-agent`, the first 512 bytes. `false` by default. */
  userAgent: Schema.optionalKey(Schema.Boolean),
})

export type ClientConfig = typeof ClientConfig.Type

export interface ClientOptions extends ClientConfig {
  /**
   * The country of an address, as two letters. It is asked at intake, about the whole address,
   * whatever is kept of it; its answer is kept. When it throws or gives no text, there is none.
   */
  readonly country?: (ip: string) => string | undefined
}

export interface ClientFactsOptions {
  /**
   * What is kept of clients besides what their SDKs say: nothing by default. It is for requests of
   * the log_event family, where the client is the user's device; one that a server's SDK has sent
   * says nothing of its users. Whoever reads the events finds it as `user.ip`, `user.userAgent` and
   * `user.country`, where the SDK has sent none.
   */
  readonly client?: ClientOptions
  /** What `client.ip: "hash"` and destinations hash with: 16 random bytes or more, and secret. */
  readonly hashKey?: Uint8Array
}

const decodeConfig = Schema.decodeUnknownResult(ClientConfig, { errors: "all", onExcessProperty: "error" })

export const clientProblems = ({ client, hashKey }: ClientFactsOptions): ReadonlyArray<OptionProblem> => {
  if (client === undefined) return []
  const { country, ...config } = client
  const decoded = decodeConfig(config)
  return [
    ...(decoded._tag === "Failure" ? problemsOf(decoded.failure, ["client"]) : []),
    ...(country === undefined || typeof country === "function"
      ? []
      : [{ path: "client.country", message: "expected a function" }]),
    ...(client.ip === "hash"
      ? hashKey === undefined
        ? [{ path: "client.ip", message: "needs the option hashKey" }]
        : hashKeyProblems(hashKey)
      : []),
  ]
}

/** Four times what browsers write. */
const maxAgentBytes = 512

/** Two letters are usual; some databases give names. */
const maxCountryBytes = 64

const keptBits = { v4: 24, v6: 48 } as const

const truncated = (address: IpAddress.IpAddress): IpAddress.IpAddress =>
  IpAddress.firstOf({ network: address, bits: IpAddress.isV4(address) ? keptBits.v4 : keptBits.v6 })

type Show = (address: IpAddress.IpAddress, text: string) => string

const makeShow = (ip: "keep" | "truncate" | "hash", hash: () => Hash): Show => {
  switch (ip) {
    case "keep":
      return (_, text) => text
    case "truncate":
      return (address) => IpAddress.format(truncated(address))
    case "hash": {
      const hashText = hash()
      return (_, text) => hashText(text)
    }
  }
}

/** A plug-in's own mistakes must not cost events, nor say anything of an address. */
const countryOf = (country: NonNullable<ClientOptions["country"]>, ip: string): string | null => {
  try {
    const found: unknown = country(ip)
    return typeof found === "string" && found !== "" ? Utf8.cut(found, maxCountryBytes) : null
  } catch {
    return null
  }
}

/** Reads what is to be kept of a request's head; `null` when nothing is. */
export type ReadClient = (head: RequestHead) => ClientFacts | null

type Writable<A> = { -readonly [K in keyof A]: A[K] }

/** Servers' SDKs send it, and only they do (docs/wire.md, section 3). */
const ofServer = "statsig-server-session-id"

/** @param options without {@link clientProblems} */
export const makeReadClient = (
  { client = {}, hashKey }: ClientFactsOptions,
  codec: Codec["Service"],
): ReadClient => {
  const { ip = "off", userAgent = false, country } = client
  if (ip === "off" && !userAgent && country === undefined) return () => null
  const trust = (client.trust ?? []).map(IpAddress.parseRange).filter((range) => typeof range !== "string")
  const addressOf = makeClientAddress(trust)
  const show = ip === "off" ? null : makeShow(ip, () => hashWith(codec, hashKey!))
  const wantsAddress = show !== null || country !== undefined

  const addAddress = (facts: Writable<ClientFacts>, { peer, headers }: RequestHead): void => {
    const address = addressOf({
      peer,
      forwardedFor: headerOf(headers, "x-forwarded-for"),
      forwarded: headerOf(headers, "forwarded"),
    })
    if (address === null) return
    const text = IpAddress.format(address)
    const found = country === undefined ? null : countryOf(country, text)
    if (show !== null) facts.ip = show(address, text)
    if (found !== null) facts.country = found
  }

  return (head) => {
    if (head.headers[ofServer] !== undefined) return null
    const facts: Writable<ClientFacts> = {}
    if (wantsAddress) addAddress(facts, head)
    const agent = userAgent ? headerOf(head.headers, "user-agent") : null
    if (agent !== null) facts.userAgent = Utf8.cut(agent, maxAgentBytes)
    return facts
  }
}
