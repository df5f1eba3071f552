import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { tempDir } from "./resources.ts"

/** Both ends of a connection. */
export const socketPair = async (): Promise<readonly [Socket, Socket]> => {
  const path = join(tempDir(), "s")
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve))
  const near = connect(path)
  const far = await accepted
  server.close()
  onTestFinished(() => {
    near.destroy()
    far.destroy()
  })
  return [near, far]
}
