import { outboxInsert } from "@millrace/store-postgres"
import type pg from "pg"

export const placeOrder = async (pool: pg.Pool, buyer: string) => {
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
