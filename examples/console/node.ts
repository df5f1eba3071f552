import { consoleHandler } from "@millrace/console"
import { createServer, Millrace } from "@millrace/node"

const millrace = await Millrace.make({
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const atConsole = consoleHandler(millrace, { adminToken: process.env.ADMIN_TOKEN })
const server = createServer(millrace, {
  // What is not below /console is a 404, or goes to a third argument.
  fallback: (req, res) => atConsole(req, res),
})

const port = Number(process.env.PORT ?? 8080)
await server.listen(port)
console.log(`listening on port ${port}`)

process.once("SIGTERM", async () => {
  await server.close()
  await millrace.close() // sends what is pending
})
