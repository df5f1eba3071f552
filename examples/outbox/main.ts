import { createServer, Millrace } from "@millrace/node"
import { layer, outboxInsert } from "@millrace/store-postgres"
import pg from "pg"

const url = process.env.POSTGRES_URL ?? "postgres://postgres@127.0.0.1:5432/postgres"

const millrace = await Millrace.make({
  store: layer({ url }),
  keys: { server: ["secret-example"] },
  destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
  allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
})

const pool = new pg.Pool({ connectionString: url })
await pool.query("CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, buyer text NOT NULL)")

const placeOrder = async (buyer: string) => {
  const client = await pool.connect()
  try {
    await client.query("BEGIN")
    await client.query("INSERT INTO orders (buyer) VALUES ($1)", [buyer])
    await client.query(outboxInsert([{ event: "order_placed", user: { userID: buyer } }]))
    await client.query("COMMIT") // the order and its event, or neither
  } catch (error) {
    await client.query("ROLLBACK")
    throw error
  } finally {
    client.release()
  }
}

const server = createServer(millrace, {
  fallback: async (_req, res) => {
    await placeOrder("user_1")
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
