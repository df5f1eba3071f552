import { once } from "node:events"
import { createServer } from "node:net"
import { onTestFinished } from "vitest"

/** A port of this machine, somebody else's until the test is over. */
export const portInUse = async (): Promise<number> => {
  const other = createServer().listen(0, "127.0.0.1")
  await once(other, "listening")
  onTestFinished(() => void other.close())
  const { port } = other.address() as { readonly port: number }
  return port
}
