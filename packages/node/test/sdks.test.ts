import * as Http from "node:http"
import { Duplex } from "node:stream"
import { createServer, nodeHandler } from "@millrace/node"
import { type Host, hostContract, listening } from "@millrace/test-sdks"

/**
 * Cuts what passes wherever it likes: in the middle of a character, of a number, of gzip's header.
 */
const cutter = () => {
  let seed = 1
  return new Duplex({
    read() {},
    final(done) {
      this.push(null)
      done()
    },
    write(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; ) {
        seed = (seed * 48_271) % 2_147_483_647
        const size = at < 64 ? 1 : 1 + (seed % 4_000)
        this.push(chunk.subarray(at, at + size))
        at += size
      }
      done()
    },
  })
}

/** As proxies do: the body in chunks of its own, without a length. */
const rechunking = async (target: Host): Promise<Host> => {
  const agent = new Http.Agent({ keepAlive: true })
  const host = await listening(
    Http.createServer((req, res) => {
      const { "content-length": _length, connection: _connection, ...headers } = req.headers
      const onward = Http.request(
        `${target.url}${req.url}`,
        { method: req.method, headers, agent },
        (reply) => {
          res.writeHead(reply.statusCode!, reply.headers)
          reply.pipe(res)
        },
      )
      req.pipe(cutter()).pipe(onward)
    }),
  )
  return {
    url: host.url,
    close: async () => {
      agent.destroy()
      await host.close()
      await target.close()
    },
  }
}

hostContract("createServer", async (millrace) => {
  const server = createServer(millrace)
  const { port } = await server.listen(0)
  return { url: `http://127.0.0.1:${port}`, close: () => server.close(0) }
})

hostContract("node:http behind a proxy that sends its own chunks", async (millrace) =>
  rechunking(await listening(Http.createServer(nodeHandler(millrace)))),
)
