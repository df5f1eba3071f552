import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Signature from "../../base/Signature.ts"
import { Codec } from "../../ports/Codec.ts"
import { Transport } from "../../ports/Transport.ts"
import type { Destination } from "../../select/Destination.ts"
import * as Delivery from "../Delivery.ts"
import * as Layout from "../lane/layout.ts"
import type { SinkKind } from "./SinkKind.ts"

const contentTypes = {
  array: "application/json",
  data: "application/json",
  ndjson: "application/x-ndjson",
} as const satisfies Record<Destination["format"], string>

const layouts = {
  array: Layout.array,
  data: Layout.data,
  ndjson: Layout.ndjson,
} as const satisfies Record<Destination["format"], Layout.Layout>

/** A webhook: each batch is signed, and sent as one request over HTTP. */
export const webhook: SinkKind = {
  schemes: ["https:", "http:"],
  form: "exported",
  layout: ({ format }) => layouts[format],
  open: Effect.fnUntraced(function* ({ url, format, compress, signing, timeout }) {
    const codec = yield* Codec
    const transport = yield* Transport
    const sign = Signature.signer(codec, signing)
    const fixed = {
      "content-type": contentTypes[format],
      "user-agent": "millrace",
      ...(compress === null ? {} : { "content-encoding": compress }),
    }
    return {
      send: Effect.fnUntraced(function* ({ id, body: written }) {
        const body = compress === null ? written : yield* codec.gzip(written)
        const clock = yield* Clock.Clock
        const sentAt = clock.currentTimeMillisUnsafe()
        const headers = { ...fixed, ...sign({ id, sentAt, body }) }
        const result = yield* Effect.result(transport.send({ url, headers, body, timeout }))
        return Result.isSuccess(result)
          ? Delivery.verdictOfReply(result.success, clock.currentTimeMillisUnsafe())
          : Delivery.verdictOfError(result.failure)
      }),
    }
  }),
}
