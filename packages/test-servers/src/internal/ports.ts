import { randomInt } from "node:crypto"
import { createServer } from "node:net"

const bindable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once("error", () => resolve(false))
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)))
  })

/**
 * A port that stays free while its server is down: below those that systems hand out to outgoing connections, one of
 * which would otherwise sit on it before the server is back.
 */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    if (await bindable(port)) return port
  }
}
