// A process that starts a server, says where, and waits to be killed.
import { startRedis } from "../../src/redis.ts"

const { url, directory } = await startRedis()
process.stdout.write(`${JSON.stringify({ url, directory })}\n`)
setInterval(() => {}, 60_000)
