import { randomInt } from "node:crypto"
import { createServer } from "node:net"

const bindable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once("error", () => resolve(false))
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)))
  })

// A port has to stay free while its server is down. So each process has some of its own, below
// those that systems hand out to outgoing connections, and takes them in turn.
const own = 100
const first = 12_000 + (process.pid % 200) * own
let next = randomInt(own)

export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = first + next
    next = (next + 1) % own
    if (await bindable(port)) return port
  }
}
