import { createServer, type Socket } from "node:net"
import { gunzipSync } from "node:zlib"
import { portOf } from "../contestants/Contestant.ts"
import { offer } from "../processes.ts"

/**
 * Receives at next to no cost: counts the bytes of each request's body and answers 200, without an
 * HTTP parser. Bodies must come with a content-length; those in gzip count as what they hold.
 */
const blankLine = Buffer.from("\r\n\r\n")
const ok = Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

let tookSample: (text: string) => void = () => {}
const sample = new Promise<string>((resolve) => {
  tookSample = resolve
})
/** Parts of the first body; `null` when it is complete. */
let first: Array<Buffer> | null = []
let bytes = 0
let requests = 0
let awaited = Number.POSITIVE_INFINITY
let arrived: (at: number) => void = () => {}

/** ms, by a clock that all processes share. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6

const take = (socket: Socket): void => {
  let head: Buffer = Buffer.alloc(0)
  /** Bytes still missing of the body that is being read. */
  let missing = 0
  /** Parts of a body in gzip; `null` of any other. */
  let packed: Array<Buffer> | null = null
  socket.setNoDelay(true)
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk: Buffer) => {
    let rest = chunk
    while (rest.length > 0) {
      if (missing === 0) {
        head = head.length === 0 ? rest : Buffer.concat([head, rest])
        const end = head.indexOf(blankLine)
        if (end < 0) return
        const text = head.toString("latin1", 0, end)
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
        packed = /content-encoding: gzip/i.test(text) ? [] : null
        if (!(length > 0)) throw new Error("a request without a content-length")
        missing = length
        rest = head.subarray(end + blankLine.length)
        head = Buffer.alloc(0)
      }
      const part = rest.subarray(0, missing)
      rest = rest.subarray(part.length)
      missing -= part.length
      if (packed === null) {
        bytes += part.length
        first?.push(part)
      } else packed.push(part)
      if (missing > 0) return
      // Nobody waits for what is done to the body.
      socket.write(ok)
      if (packed !== null) {
        const body = gunzipSync(Buffer.concat(packed))
        bytes += body.length
        first?.push(body)
      }
      requests += 1
      if (first !== null) {
        tookSample(Buffer.concat(first).toString())
        first = null
      }
      if (bytes - requests >= awaited) arrived(now())
    }
  })
}

const server = createServer(take)
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))

const abilities = {
  port: () => portOf(server),
  now,
  /** The first body, as text, when it has come. */
  sample: () => sample,
  /**
   * Waits for so many bytes of events, counted from its last call on, and tells when they were
   * there. A body of n events of s bytes is `[`, the events with n - 1 commas, and `]`: n * (s + 1)
   * + 1 bytes. How events are cut into batches therefore makes no difference.
   *
   * @param expected the sum of s + 1 of all events
   */
  arrival: (expected: number) =>
    new Promise<number>((resolve) => {
      awaited = expected
      arrived = (at) => {
        awaited = Number.POSITIVE_INFINITY
        bytes = 0
        requests = 0
        resolve(at)
      }
      if (bytes - requests >= awaited) arrived(now())
    }),
}

export type SinkAbilities = typeof abilities

offer(abilities)
