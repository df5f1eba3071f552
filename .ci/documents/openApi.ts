import { Event, Ingest } from "@millrace/core"
import * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import * as SchemaRepresentation from "effect/SchemaRepresentation"

type Json = Readonly<Record<string, unknown>>

const Accepted = Schema.Struct({
  success: Schema.Boolean.annotate({ description: "Whether the events are stored." }),
  rejected: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        index: Schema.Int.annotate({ description: "The event's place in the request, from 0." }),
        message: Schema.String,
      }),
    ).annotate({ description: "The first hundred events that were refused; absent when none was." }),
  ),
  rejectedCount: Schema.optionalKey(
    Schema.Int.annotate({ description: "How many were refused, where that is more than are listed." }),
  ),
})

const Failure = Schema.Struct({
  message: Schema.String.annotate({ description: "The place and the reason, never a value." }),
  status: Schema.Int.annotate({ description: "The HTTP status code." }),
})

const NotNow = Schema.Struct({ success: Schema.Literal(false), ...Failure.fields })

/** The schemas of the document, by the names they have in Statsig's, and those that are ours. */
const shapes = {
  Event: Event.StrictEvent,
  StatsigMetadata: Event.StrictStatsigMetadata,
  Error: Failure,
  Accepted,
  NotNow,
} as const

const schemas = (): Json => {
  const asts = Object.values(shapes).map((shape) => Schema.toCodecJson(shape as Schema.Constraint).ast)
  const [first, ...rest] = asts
  const document = JsonSchema.toMultiDocumentOpenApi3_1(
    SchemaRepresentation.toJsonSchemaMultiDocument(
      SchemaRepresentation.toRepresentations([first!, ...rest]),
      { onExcessProperty: "ignore" },
    ),
  )
  return Object.fromEntries(Object.keys(shapes).map((name, index) => [name, document.schemas[index]]))
}

const ref = (name: keyof typeof shapes): Json => ({ $ref: `#/components/schemas/${name}` })

const json = (schema: Json): Json => ({ "application/json": { schema } })

const events = { type: "array", items: ref("Event"), maxItems: Ingest.defaultLimits.events }

const failure = (description: string): Json => ({ description, content: json(ref("Error")) })

const responses = {
  "202": { description: "The events are stored.", content: json(ref("Accepted")) },
  "400": failure("The request is not what this document says, or none of its events is: nothing is stored."),
  "401": failure("The key is missing, unknown, or may not do this."),
  "408": failure("The body came too slowly."),
  "413": failure("The body, or what it would make us send, is too large."),
  "415": failure("The body is compressed in another way than gzip or zstd."),
  "503": {
    description: "Not now: nothing is stored, and the same request may be sent again.",
    headers: { "retry-after": { schema: { type: "integer" }, description: "Seconds." } },
    content: json(ref("NotNow")),
  },
}

const logEvent = {
  operationId: "logEvent",
  summary: "Log events",
  tags: ["Events"],
  parameters: [
    {
      name: "STATSIG-CLIENT-TIME",
      in: "header",
      required: true,
      schema: { type: "integer", format: "int64" },
      description:
        "The sender's clock, in ms since the epoch. Its difference to ours is added to the events' times.",
    },
  ],
  requestBody: {
    required: true,
    content: json({
      type: "object",
      properties: { events, statsigMetadata: ref("StatsigMetadata") },
      required: ["events"],
    }),
  },
  responses,
}

const webhook = {
  operationId: "receiveWebhookEvent",
  summary: "Receive events of third parties",
  description:
    "Takes server keys only. One event may stand alone, with `event` for its name and `timestamp` for its time.",
  tags: ["Webhooks"],
  requestBody: {
    required: true,
    content: json({
      anyOf: [
        { type: "object", properties: { events }, required: ["events"] },
        {
          type: "object",
          properties: {
            user: { type: "object" },
            event: { type: "string", minLength: 1 },
            value: {},
            metadata: { type: "object" },
            timestamp: { type: "integer", format: "int64" },
          },
          required: ["event"],
        },
      ],
    }),
  },
  responses,
}

/** The OpenAPI 3.1 document of the events API, for who sends by hand. */
export const openApi = (): Json => ({
  openapi: "3.1.0",
  info: {
    title: "Millrace's events API",
    version: "1.0.0",
    description: "What plain HTTP callers send. SDKs are read with more tolerance: docs/events-api.md.",
  },
  servers: [{ url: "http://127.0.0.1:8080/v1" }],
  security: [{ statsigApiKey: [] }, { statsigApiKeyInQuery: [] }],
  paths: {
    "/log_event": { post: logEvent },
    "/webhooks/event_webhook": { post: webhook },
  },
  components: {
    securitySchemes: {
      statsigApiKey: { type: "apiKey", in: "header", name: "statsig-api-key" },
      statsigApiKeyInQuery: { type: "apiKey", in: "query", name: "k" },
    },
    schemas: schemas(),
  },
})
