import * as Schema from "effect/Schema"
import type { Json } from "../../base/json.ts"
import { problemsOf } from "./template.ts"

const names = ["array", "data", "ndjson", "slack", "discord", "teams"] as const

const expected = `expected ${names.map((name) => `"${name}"`).join(", ")} or {"template": ...}`

const Name = Schema.Literals(names).annotate({ message: expected })

const Template = Schema.Unknown.check(
  Schema.makeFilter((template) =>
    problemsOf(template).map(({ path, message }) => ({ path, issue: message })),
  ),
) as unknown as Schema.Codec<Json>

/**
 * The form of a request's body. Those for events are read by programs, those for messages by
 * people.
 *
 * - `array`: events as a bare JSON array (`application/json`).
 * - `data`: `{"data": [...]}`, as Statsig sends configuration changes (`application/json`).
 * - `ndjson`: one event a line, each line with its end (`application/x-ndjson`).
 * - `slack`: a message for an incoming webhook of Slack (`application/json`).
 * - `discord`: a message for a webhook of Discord (`application/json`).
 * - `teams`: an Adaptive Card for a workflow of Microsoft Teams (`application/json`).
 * - `{ "template": ... }`: JSON of one's own for each event, which goes alone; its texts may hold
 *   `{{ field.path }}` (`application/json`).
 *
 * A message tells of a batch how many events it has, their names, a few users and the time.
 */
export type Format = (typeof names)[number] | { readonly template: Json }

export const Format = Schema.Union([Name, Schema.Struct({ template: Template })]).annotate({
  message: expected,
}) as unknown as Schema.Codec<Format>

/** What a body of this form is sent as. */
export const contentTypeOf = (format: Format): string =>
  format === "ndjson" ? "application/x-ndjson" : "application/json"
