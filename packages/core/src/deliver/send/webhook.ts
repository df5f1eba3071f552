import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { InvalidOptions } from "../../base/InvalidOptions.ts"
import type { JsonObject } from "../../base/json.ts"
import * as Signature from "../../base/Signature.ts"
import * as Spans from "../../base/tracing/Spans.ts"
import * as TraceParent from "../../base/tracing/traceParent.ts"
import { Codec } from "../../ports/Codec.ts"
import { SecretReader } from "../../ports/SecretReader.ts"
import { Transport } from "../../ports/Transport.ts"
import * as Connection from "../../select/connection.ts"
import { type Destination, webhookSchemes } from "../../select/Destination.ts"
import { discord } from "../../select/messages/discord.ts"
import { contentTypeOf, type Format } from "../../select/messages/Format.ts"
import { slack } from "../../select/messages/slack.ts"
import { teams } from "../../select/messages/teams.ts"
import * as RequestHeaders from "../../select/requestHeaders.ts"
import type { WebhookEvent } from "../../select/WebhookEvent.ts"
import * as Layout from "../lane/layout.ts"
import * as OverHttp from "./overHttp.ts"
import type { SinkKind } from "./SinkKind.ts"
import { secretsIn, withoutSecrets } from "./secretTexts.ts"

const message = (write: (events: ReadonlyArray<WebhookEvent>) => JsonObject): Layout.Layout =>
  Layout.rendered((events) => JSON.stringify(write(events.map((event) => JSON.parse(event)))))

const layouts: Readonly<Record<Extract<Format, string>, Layout.Layout>> = {
  array: Layout.array,
  data: Layout.data,
  ndjson: Layout.ndjson,
  slack: message(slack),
  discord: message(discord),
  teams: message(teams),
}

/** Reads what a destination names and does not hold, or says all that is wrong with it. */
const secretsOf = Effect.fnUntraced(function* (destination: Destination) {
  const reader = yield* SecretReader
  const headers = RequestHeaders.resolve(destination.headers, reader, ["headers"])
  const connection = Connection.resolve(destination, reader, [])
  if (Result.isSuccess(headers) && Result.isSuccess(connection)) {
    return { headers: headers.success, connection: connection.success }
  }
  return yield* new InvalidOptions({
    problems: [
      ...(Result.isFailure(headers) ? headers.failure : []),
      ...(Result.isFailure(connection) ? connection.failure : []),
    ],
  })
})

/** A webhook: each batch is signed, and sent as one request over HTTP. */
export const webhook: SinkKind = {
  schemes: webhookSchemes,
  form: "exported",
  layout: ({ format }) => (typeof format === "string" ? layouts[format] : Layout.bare),
  open: Effect.fnUntraced(function* (destination) {
    const { url, format, compress, signing, timeout } = destination
    const codec = yield* Codec
    const transport = yield* Transport
    const { headers: given, connection } = yield* secretsOf(destination)
    const isTraced = (yield* Spans.make) !== null
    const sign = Signature.signer(codec, signing)
    const secrets = secretsIn(given)
    const way = { url, timeout, ...(connection === null ? {} : { connection }) }
    const fixed = {
      "content-type": contentTypeOf(format),
      "user-agent": "millrace",
      ...given,
      ...(compress === null ? {} : { "content-encoding": compress }),
    }
    return {
      send: Effect.fnUntraced(function* ({ id, body: written }) {
        const body = compress === null ? written : yield* codec.gzip(written)
        const sentAt = yield* Clock.currentTimeMillis
        const span = isTraced ? yield* Spans.current : null
        const trace = span === null ? {} : { [TraceParent.headerName]: TraceParent.format(span) }
        const headers = { ...trace, ...fixed, ...sign({ id, sentAt, body }) }
        const reply = yield* OverHttp.attempt(transport, { ...way, headers, body })
        return reply.error === null ? reply : { ...reply, error: withoutSecrets(secrets, reply.error) }
      }),
    }
  }),
}
