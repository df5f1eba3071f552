import { Store } from "@millrace/core"
import { createServer, Millrace } from "@millrace/node"
import * as Nats from "@millrace/store-nats"
import * as Postgres from "@millrace/store-postgres"
import * as Redis from "@millrace/store-redis"
import * as Sqlite from "@millrace/store-sqlite"

const stores = {
  memory: Store.layerMemory(),
  sqlite: Sqlite.layer({ path: "./millrace.db" }),
  postgres: Postgres.layer({
    url: process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/postgres",
  }),
  redis: Redis.layer({ url: process.env.REDIS_URL ?? "redis://127.0.0.1:6379" }),
  nats: Nats.layer({ servers: [process.env.NATS_URL ?? "127.0.0.1:4222"] }),
}
const name = (process.env.STORE ?? "sqlite") as keyof typeof stores

const millrace = await Millrace.make({
  store: stores[name], // the one line that changes
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
