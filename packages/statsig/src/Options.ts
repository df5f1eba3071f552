import { Destination, InvalidOptions } from "@millrace/core"
import { SchemaProblems } from "@millrace/core/host"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** Which of Statsig's hosts: one takes events, one answers for a user, one gives out documents. */
export type HostName = "events" | "api" | "cdn"

export type Hosts = Readonly<Record<HostName, string>>

/**
 * Statsig's own (docs/wire.md, section 2). SDKs name several that do the same, some of them made up
 * so that ad blockers do not know them. These are the ones that carry Statsig's name, which their
 * documents and their older SDKs use: whoever looks at a firewall's log knows whom they belong to.
 */
const statsigHosts: Hosts = {
  events: "https://events.statsigapi.net",
  api: "https://api.statsig.com",
  cdn: "https://api.statsigcdn.com",
}

const isOrigin = (text: string): boolean => {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false
  const { origin } = new URL(text)
  return text === origin || text === `${origin}/`
}

/** Plain HTTP is for a stand-in on one's own machine or network. */
const Origin = Schema.String.check(
  Schema.makeFilter((text) => isOrigin(text) || "expected an origin without a path: https://api.example.com"),
)

/** Statsig's own hosts, or others in the place of some of them. */
const UpstreamHosts = Schema.Union([
  Schema.Literal(true),
  Schema.Struct({
    events: Schema.optionalKey(Origin),
    api: Schema.optionalKey(Origin),
    cdn: Schema.optionalKey(Origin),
  }),
])

const ServerKey = Schema.String.check(
  Schema.makeFilter((key) => /^[\x21-\x7e]+$/.test(key) || "expected visible ASCII characters"),
)

/** What is given to `statsig(...)`, and stands as `statsig` in a config file. */
export const Options = Schema.Struct({
  upstream: Schema.optionalKey(UpstreamHosts),
  /** Whether what SDKs ask for is passed through: `false` by default. */
  passThrough: Schema.optionalKey(Schema.Boolean),
  /** How long a document is given out without asking again: 10 seconds by default. */
  freshFor: Schema.optionalKey(Destination.Millis),
  /** Whether there is a destination `statsig`, which everything goes on to: `false` by default. */
  relay: Schema.optionalKey(Schema.Boolean),
  /** What events go on with whose senders show no key of the Statsig project. */
  serverKey: Schema.optionalKey(ServerKey),
})

const defaultFreshFor = 10_000

/** What the options come to. */
export interface Settings {
  readonly hosts: Hosts
  readonly passThrough: boolean
  /** ms */
  readonly freshFor: number
  readonly relay: boolean
  readonly serverKey: string | null
}

const decodeOptions = Schema.decodeUnknownResult(Options, { errors: "all", onExcessProperty: "error" })

/** `http://127.0.0.1:9000` of the same with a slash. */
const withoutSlash = (origin: string): string => origin.replace(/\/$/, "")

/** Fails with all that is wrong, below `statsig`. */
export const decode = (options: unknown): Result.Result<Settings, InvalidOptions> => {
  const decoded = decodeOptions(options)
  if (Result.isFailure(decoded)) {
    const problems = SchemaProblems.problemsOf(decoded.failure, ["statsig"])
    return Result.fail(new InvalidOptions({ problems }))
  }
  const { upstream, passThrough = false, freshFor = defaultFreshFor } = decoded.success
  const { relay = false, serverKey = null } = decoded.success
  const given = upstream === true || upstream === undefined ? {} : upstream
  const hosts = { ...statsigHosts, ...given }
  return Result.succeed({
    hosts: {
      events: withoutSlash(hosts.events),
      api: withoutSlash(hosts.api),
      cdn: withoutSlash(hosts.cdn),
    },
    passThrough,
    freshFor,
    relay,
    serverKey,
  })
}
