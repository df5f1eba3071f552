import { connect as connectPlainly, type Socket } from "node:net"
import { connect as connectByTls } from "node:tls"
import type { Settings } from "./Options.ts"

/**
 * How long a port may take to show what it speaks, in ms: whoever asks has waited for the server
 * already.
 */
const patience = 2_000

type Where = Pick<Settings, "host" | "port">

/** Whether something comes of a connection, before it breaks and in time. */
const shows = (socket: Socket, event: "secureConnect" | "data"): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (outcome: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(settle, patience, false)
    socket.once(event, () => settle(true))
    socket.once("error", () => settle(false))
    socket.once("close", () => settle(false))
  })

/**
 * Nothing is sent that a stranger should not see, so it does not matter who has signed the
 * certificate.
 */
const speaksTls = ({ host, port }: Where): Promise<boolean> =>
  shows(connectByTls({ host, port, rejectUnauthorized: false }), "secureConnect")

/** A server that wants a password answers, too: that it wants one. */
const answersPlainly = ({ host, port }: Where): Promise<boolean> => {
  const socket = connectPlainly({ host, port })
  socket.once("connect", () => socket.write("PING\r\n"))
  return shows(socket, "data")
}

/**
 * What to write instead, where one side speaks TLS and the other does not; `null` where that is not
 * what keeps them apart.
 */
export const tlsHint = async (
  settings: Pick<Settings, "host" | "port" | "secure">,
): Promise<string | null> => {
  if (settings.secure) {
    return (await answersPlainly(settings))
      ? "no TLS on this port: is it redis:// instead of rediss://?"
      : null
  }
  return (await speaksTls(settings)) ? "TLS on this port: is it rediss:// instead of redis://?" : null
}
