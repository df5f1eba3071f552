/** A destination's options as they are in effect, in words: every default is spelled out. */
import type { Destination } from "@millrace/core"
import { bytes, count } from "../text/numbers.ts"
import { span } from "../text/times.ts"

/** What somebody has written is told without a digit that says nothing. */
const duration = (ms: number): string => span(ms).replace(".0 ", " ")

type Config = Partial<Destination.DestinationConfig>

export interface Option {
  readonly name: string
  readonly value: string
  readonly hint?: string
  /** Something to copy, in another type. */
  readonly isCode?: boolean
}

const perSecond = (value: number | null | undefined, noun: string): ReadonlyArray<string> =>
  value === null || value === undefined ? [] : [`${count(value)} ${noun} a second`]

/** How the body of a request is written. */
const formats: Readonly<Record<string, Pick<Option, "value" | "hint">>> = {
  array: { value: "a bare JSON array", hint: "as Statsig's Generic Webhook sends events" },
  data: { value: '{"data": [...]}' },
  ndjson: { value: "one event a line" },
  slack: { value: "a message for Slack" },
  discord: { value: "a message for Discord" },
  teams: { value: "a card for Microsoft Teams" },
}

const formatSays = (format: Config["format"]): Pick<Option, "value" | "hint"> =>
  typeof format === "object"
    ? { value: "a template", hint: "one event a request" }
    : (formats[format ?? "array"] ?? { value: String(format) })

/** @param given what the API gives: with its defaults, without its secrets */
export const optionsOf = (given: object): ReadonlyArray<Option> => {
  const config: Config = given
  const { batch, retry, rateLimit, headers, concurrency = 1 } = config
  const limits = [...perSecond(rateLimit?.events, "events"), ...perSecond(rateLimit?.requests, "requests")]
  const names = Object.keys(headers ?? {})
  return [
    { name: "Webhook URL", value: config.url ?? "", isCode: true },
    ...(batch === undefined
      ? []
      : [
          {
            name: "Batch",
            value: `${count(batch.maxEvents)} events, ${bytes(batch.maxBytes)} or ${duration(batch.maxDelay)}`,
            hint: "whichever is reached first",
          },
        ]),
    { name: "Format", ...formatSays(config.format) },
    { name: "Exposures", value: `details in ${config.exposures ?? "statsigMetadata"}` },
    ...(retry === undefined
      ? []
      : [
          {
            name: "Retries",
            value: `${duration(retry.first)} to ${duration(retry.max)}, back-off with jitter; Retry-After wins`,
            hint: `given up after ${duration(retry.giveUpAfter)} of failing`,
          },
        ]),
    ...(config.timeout === undefined ? [] : [{ name: "Time for a reply", value: duration(config.timeout) }]),
    { name: "Rate limit", value: limits.length === 0 ? "none" : limits.join(", ") },
    {
      name: "Requests at once",
      value: count(concurrency),
      ...(concurrency > 1 ? { hint: "order of each user's events is kept" } : {}),
    },
    { name: "Compression", value: config.compress ?? "none" },
    ...(names.length === 0
      ? []
      : [{ name: "Headers", value: names.join(", "), hint: "values are not shown" }]),
    ...(config.proxy ? [{ name: "Proxy", value: "by a proxy" }] : []),
    ...(config.tls ? [{ name: "TLS", value: "authorities or a certificate of its own" }] : []),
    {
      name: "Began with",
      value: config.from === "earliest" ? "the oldest event kept" : "what came from then on",
    },
  ]
}
