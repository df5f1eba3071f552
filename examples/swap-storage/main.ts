import { Store } from "@millrace/core"
import { createServer, Millrace } from "@millrace/node"
import * as Sqlite from "@millrace/store-sqlite"

const stores = { memory: Store.layerMemory(), sqlite: Sqlite.layer({ path: "./millrace.db" }) }

const millrace = await Millrace.make({
  store: process.env.STORE === "memory" ? stores.memory : stores.sqlite, // the one line that changes
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const server = createServer(millrace)

const port = Number(process.env.PORT ?? 8080)
await server.listen(port)
console.log(`listening on port ${port}`)

process.once("SIGTERM", async () => {
  await server.close()
  await millrace.close() // sends what is pending
})
