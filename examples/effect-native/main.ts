import { Dispatcher, HttpIngest, Millrace } from "@millrace/core"
import { Codec, createServer, Transport } from "@millrace/node"
import * as Sqlite from "@millrace/store-sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const millrace = Millrace.layer({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
}).pipe(
  Layer.provide([
    Sqlite.layer({ path: "./millrace.db" }),
    Transport.layer({ allow: ["127.0.0.1"] }), // for a receiver on this machine
    Codec.layer,
  ]),
)

const port = Number(process.env.PORT ?? 8080)
const sigterm = Effect.callback<void>((resume) => void process.once("SIGTERM", () => resume(Effect.void)))

const serve = Effect.gen(function* () {
  const http = yield* HttpIngest.HttpIngest
  const dispatcher = yield* Dispatcher.Dispatcher
  const run = Effect.runPromiseWith(yield* Effect.context())
  const server = createServer({ matches: http.matches, handle: (request) => run(http.handle(request)) })
  yield* Effect.promise(() => server.listen(port))
  yield* Effect.sync(() => console.log(`listening on port ${port}`))
  yield* sigterm
  yield* Effect.promise(() => server.close())
  yield* Effect.timeoutOption(dispatcher.drain, "10 seconds") // sends what is pending
})

await Effect.runPromise(Effect.provide(serve, millrace))
