import { connect as connectPlainly, type Socket } from "node:net"
import { connect as connectByTls } from "node:tls"

/**
 * How a port receives who connects to it: a server of NATS introduces itself at once (`open`), goes
 * on in TLS then where it is set up for it, or waits until it is greeted by TLS (`tls`). Others are
 * `silent`, or let nobody connect (`closed`).
 */
export type Greeting = "open" | "tls" | "silent" | "closed"

/**
 * How long a server is given to introduce itself before it is greeted by TLS, in ms. It goes on
 * being listened to.
 */
const introducedWithin = 1_000

const defaultPort = 4222

/** `host:port`, as the options have it; IPv6 in brackets. */
const whereOf = (server: string) => {
  const { hostname, port } = new URL(`tcp://${server}`)
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || defaultPort }
}

/** @param patience how long a server may take that says nothing, in ms */
const greetingOf = (server: string, patience: number): Promise<Greeting> =>
  new Promise((resolve) => {
    if (!URL.canParse(`tcp://${server}`)) return resolve("closed")
    const where = whereOf(server)
    const sockets: Array<Socket> = []
    const settle = (greeting: Greeting): void => {
      for (const timer of [soon, late]) clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
      resolve(greeting)
    }
    const use = (socket: Socket): Socket => {
      sockets.push(socket)
      return socket
    }
    const plain = use(connectPlainly(where))
    plain.once("data", () => settle("open"))
    let isConnected = false
    plain.once("connect", () => {
      isConnected = true
    })
    plain.once("error", () => settle("closed"))
    // A server that takes no more connections says so by closing this one: the client finds out
    // what it says.
    plain.once("close", () => settle(isConnected ? "silent" : "closed"))
    const soon = setTimeout(() => {
      if (!isConnected) return
      // Nothing is sent that a stranger should not see, so it does not matter who has signed the
      // certificate.
      const secure = use(connectByTls({ ...where, rejectUnauthorized: false }))
      secure.once("secureConnect", () => settle("tls"))
      secure.once("error", () => {})
    }, introducedWithin)
    const late = setTimeout(settle, patience, "silent")
  })

/** The best greeting among several servers, as soon as one is `open`. */
export const bestGreeting = async (servers: ReadonlyArray<string>, patience: number): Promise<Greeting> => {
  const asked = servers.map((server) => greetingOf(server, patience))
  const all = Promise.all(asked).then((greetings) => {
    const has = (greeting: Greeting) => greetings.includes(greeting)
    return (["open", "tls", "silent"] as const).find(has) ?? "closed"
  })
  const never = new Promise<never>(() => {})
  return Promise.race([all, ...asked.map((one) => one.then((found) => (found === "open" ? found : never)))])
}
