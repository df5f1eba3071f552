import { createServer, Millrace } from "@millrace/node"
import * as Postgres from "@millrace/store-postgres"
import pg from "pg"
import { placeOrder } from "./placeOrder.ts"

const url = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/postgres"

const millrace = await Millrace.make({
  store: Postgres.layer({ url }),
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const pool = new pg.Pool({ connectionString: url })
await pool.query("CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, buyer text NOT NULL)")

const server = createServer(millrace, {
  fallback: async (_req, res) => {
    await placeOrder(pool, "user_1")
    res.writeHead(201).end()
  },
})

const port = Number(process.env.PORT ?? 8080)
await server.listen(port)
console.log(`listening on port ${port}`)

process.once("SIGTERM", async () => {
  await server.close()
  await pool.end()
  await millrace.close() // sends what is pending
})
