import type { PoolClient } from "pg"

export const inTransaction = async <A>(client: PoolClient, body: () => Promise<A>): Promise<A> => {
  await client.query("BEGIN ISOLATION LEVEL READ COMMITTED")
  try {
    const value = await body()
    await client.query("COMMIT")
    return value
  } catch (error) {
    // When the connection is gone, so is the transaction.
    await client.query("ROLLBACK").catch(() => {})
    throw error
  }
}
