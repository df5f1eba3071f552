import { connect, type Socket } from "node:net"
import { setPriority } from "node:os"
import { makeRandom } from "../attack/random.ts"
import { type Shot, type Technique, techniques } from "../attack/techniques.ts"
import { givenOptions, offer } from "../processes.ts"

/** Somebody with the public client key, and so much of a network. */
export interface AdversaryOptions {
  readonly port: number
  readonly key: string
  readonly seed: number
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
  /** The most connections at once, those of slow uploads included. */
  readonly connections: number
  /** The name of the one technique to use; `null` for all. */
  readonly only: string | null
}

const { port, key, seed, requestsPerSecond, bytesPerSecond, connections, only } =
  givenOptions<AdversaryOptions>()
const random = makeRandom(seed)
// What it costs to make an attack must not be taken from those whose latencies are measured.
setPriority(19)

const used = techniques.filter(({ name }) => only === null || name === only)
if (used.length === 0) throw new RangeError(`no technique is called "${only}"`)
const drawn = used.flatMap((technique) => Array.from({ length: technique.weight }, () => technique))

const open = new Set<Socket>()
let bytes = 0
let requests = 0
/** By status, by technique: `0` for a connection that ended without a reply. */
const replies = new Map<string, Map<number, number>>()

const count = (technique: string, status: number): void => {
  const byStatus = replies.get(technique) ?? new Map<number, number>()
  replies.set(technique, byStatus.set(status, (byStatus.get(status) ?? 0) + 1))
}

const headOf = ({ path, headers, body, claims }: Shot): string =>
  [
    `POST ${path} HTTP/1.1`,
    "host: 127.0.0.1",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${claims ?? body.length}`,
    "",
    "",
  ].join("\r\n")

const fire = ({ name, shot }: Technique): void => {
  const made = shot(random, key)
  const socket = connect({ port, host: "127.0.0.1" })
  open.add(socket)
  let status = 0
  let trickle: NodeJS.Timeout | undefined
  socket.on("data", (chunk: Buffer) => {
    status = Number(/^HTTP\/1\.1 (\d+)/.exec(chunk.toString("latin1", 0, 16))?.[1] ?? status)
    socket.end()
  })
  socket.on("error", () => socket.destroy())
  socket.once("close", () => {
    clearInterval(trickle)
    open.delete(socket)
    count(name, status)
  })
  const write = (content: Buffer | string): void => {
    bytes += content.length
    socket.write(content)
  }
  write(headOf(made))
  switch (made.manner) {
    case "whole":
      write(made.body)
      return
    case "broken":
      write(made.body.subarray(0, made.body.length / 2))
      setTimeout(() => socket.resetAndDestroy(), 100)
      return
    case "slow":
      write(made.body)
      trickle = setInterval(() => write(" "), 500)
  }
}

const tickMillis = 20
let allowedRequests = 0
let allowedBytes = 0
const timer = setInterval(() => {
  allowedRequests += (requestsPerSecond * tickMillis) / 1000
  allowedBytes += (bytesPerSecond * tickMillis) / 1000
  while (requests < allowedRequests && bytes < allowedBytes && open.size < connections) {
    requests += 1
    fire(random.pick(drawn))
  }
  // What could not be sent is not made up for by a burst.
  allowedRequests = Math.min(allowedRequests, requests + requestsPerSecond)
  allowedBytes = Math.min(allowedBytes, bytes + bytesPerSecond)
}, tickMillis)

const abilities = {
  done: () => ({
    requests,
    bytes,
    replies: Object.fromEntries([...replies].map(([name, of]) => [name, Object.fromEntries(of)])),
  }),
  end: () => {
    clearInterval(timer)
    for (const socket of open) socket.destroy()
  },
}

export type AdversaryAbilities = typeof abilities

offer(abilities)
