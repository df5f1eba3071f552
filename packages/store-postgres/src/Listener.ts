import { quietSleep } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { Client, type ClientConfig } from "pg"
import { quoted } from "./Database.ts"

/** What the driver's types leave out: a client that does not keep the process alive. */
interface Unreferable {
  readonly unref: () => void
}

/** Between attempts to connect, in ms, doubling. */
const pause = { first: 100, max: 5000 }

/** How long a server may take to see a connection off, in ms. */
const partingTime = 1000

/** By the machine's clock, which is the server's. */
const end = async (client: Client): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, partingTime)
  })
  await Promise.race([client.end().catch(() => {}), late])
  clearTimeout(timer)
}

export interface Channel {
  readonly config: ClientConfig
  readonly name: string
  /**
   * Told of each notification, and with an empty text of each connection: there may have been some
   * before it.
   */
  readonly heard: (payload: string) => void
}

/** By one connection, until that is lost. Says whether it ever heard anything. */
const hear = ({ config, name, heard }: Channel): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    let client: Client
    try {
      client = new Client(config)
    } catch {
      // A file that the URL names may come back.
      resume(Effect.succeed(false))
      return
    }
    let listens = false
    let over = false
    const lost = (): void => {
      if (over) return
      over = true
      void end(client).finally(() => resume(Effect.succeed(listens)))
    }
    client.on("error", lost)
    client.on("end", lost)
    client.on("notification", ({ payload = "" }) => heard(payload))
    client
      .connect()
      .then(() => {
        ;(client as Client & Unreferable).unref()
        return client.query(`LISTEN ${quoted(name)}`)
      })
      .then(() => {
        listens = true
        heard("")
      })
      .catch(lost)
    return Effect.promise(() => {
      over = true
      return end(client)
    })
  })

/**
 * Hears by a connection of its own when other processes append, for as long as it runs. Only to be
 * faster: behind a pooler, or while it has no connection, somebody who waits looks by himself.
 */
export const listening = (channel: Channel): Effect.Effect<never> =>
  Effect.suspend(() => {
    let next = pause.first
    return Effect.forever(
      Effect.flatMap(hear(channel), (heard) => {
        const now = heard ? pause.first : next
        next = Math.min(now * 2, pause.max)
        return quietSleep(now)
      }),
    )
  })
