import { appendFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import type { Extension, SinkKind, SinkReply } from "@millrace/core"
import { Layout } from "@millrace/core/host"
import * as Effect from "effect/Effect"

const delivered: SinkReply = {
  outcome: "delivered",
  status: null,
  noReply: null,
  error: null,
  retryAfter: null,
}

/** Appends each batch to the file that the URL names: file:///var/log/events.ndjson */
const file: SinkKind = {
  schemes: ["file:"],
  form: "exported",
  layout: () => Layout.ndjson,
  open: ({ url }) =>
    Effect.succeed({
      send: ({ body }) =>
        Effect.tryPromise(() => appendFile(fileURLToPath(url), body)).pipe(
          Effect.as(delivered),
          Effect.orElseSucceed(
            (): SinkReply => ({ ...delivered, outcome: "not-now", error: "the file cannot be written" }),
          ),
        ),
    }),
}

export const files: Extension = { sinks: () => [file] }
