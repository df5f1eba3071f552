import { createServer, Millrace } from "@millrace/node"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

// For a server of your own, `nodeHandler(millrace)` is a plain request listener.
const server = createServer(millrace, {
  fallback: (_req, res) => void res.end("Your own routes stay yours."),
})

const port = Number(process.env.PORT ?? 8080)
await server.listen(port)
console.log(`listening on port ${port}`)

process.once("SIGTERM", async () => {
  await server.close()
  await millrace.close() // sends what is pending
})
