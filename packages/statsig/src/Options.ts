import { Destination, InvalidOptions } from "@millrace/core"
import { SchemaProblems } from "@millrace/core/host"
import * as Effect from "effect/Effect"
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

/** What is given to `statsig(...)`, and stands as `statsig` in a config file. */
export const Options = Schema.Struct({
  upstream: Schema.optionalKey(UpstreamHosts),
  /** Whether what SDKs ask for is passed through: `false` by default. */
  passThrough: Schema.optionalKey(Schema.Boolean),
  /** How long a document is given out without asking again: 10 seconds by default. */
  freshFor: Schema.optionalKey(Destination.Millis),
})

const defaultFreshFor = 10_000

/** What the options come to. */
export interface Settings {
  readonly hosts: Hosts
  readonly passThrough: boolean
  /** ms */
  readonly freshFor: number
}

const decodeOptions = Schema.decodeUnknownResult(Options, { errors: "all", onExcessProperty: "error" })

/** `http://127.0.0.1:9000` of the same with a slash. */
const withoutSlash = (origin: string): string => origin.replace(/\/$/, "")

/** Fails with all that is wrong, below `statsig`. */
export const decode = (options: unknown): Effect.Effect<Settings, InvalidOptions> => {
  const decoded = decodeOptions(options)
  if (Result.isFailure(decoded)) {
    return new InvalidOptions({ problems: SchemaProblems.problemsOf(decoded.failure, ["statsig"]) })
  }
  const { upstream, passThrough = false, freshFor = defaultFreshFor } = decoded.success
  const given = upstream === true || upstream === undefined ? {} : upstream
  const hosts = { ...statsigHosts, ...given }
  return Effect.succeed({
    hosts: {
      events: withoutSlash(hosts.events),
      api: withoutSlash(hosts.api),
      cdn: withoutSlash(hosts.cdn),
    },
    passThrough,
    freshFor,
  })
}
