import { Client, type ClientConfig } from "pg"
import { quoted } from "./Database.ts"

/** What the driver's types leave out: a client that does not keep the process alive. */
interface Unreferable {
  readonly unref: () => void
}

/** Between attempts to connect, in ms, doubling. */
const pause = { first: 100, max: 5000 }

/**
 * Hears by a connection of its own when other processes append. Only to be faster: behind a pooler,
 * or while it has no connection, somebody who waits looks by himself.
 */
export class Listener {
  readonly #config: ClientConfig
  readonly #channel: string
  readonly #heard: (payload: string) => void
  #client: Client | undefined
  #timer: NodeJS.Timeout | undefined
  #pause = pause.first
  #closed = false

  /**
   * @param heard told of each notification, and with an empty text of each connection: there may
   * have been some before it
   */
  constructor(config: ClientConfig, channel: string, heard: (payload: string) => void) {
    this.#config = config
    this.#channel = channel
    this.#heard = heard
    this.#connect()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    await (client === undefined ? undefined : end(client))
  }

  #connect(): void {
    let client: Client
    try {
      client = new Client(this.#config)
    } catch {
      // A file that the URL names may come back.
      this.#later()
      return
    }
    this.#client = client
    let over = false
    const lost = (): void => {
      if (over) return
      over = true
      end(client).finally(() => {
        if (this.#client !== client) return
        this.#client = undefined
        this.#later()
      })
    }
    client.on("error", lost)
    client.on("end", lost)
    client.on("notification", ({ payload = "" }) => this.#heard(payload))
    client
      .connect()
      .then(() => {
        ;(client as Client & Unreferable).unref()
        return client.query(`LISTEN ${quoted(this.#channel)}`)
      })
      .then(() => {
        this.#pause = pause.first
        this.#heard("")
      })
      .catch(lost)
  }

  #later(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => this.#connect(), this.#pause).unref()
    this.#pause = Math.min(this.#pause * 2, pause.max)
  }
}

/** How long a server may take to see a connection off, in ms. */
const partingTime = 1000

const end = async (client: Client): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, partingTime)
  })
  await Promise.race([client.end().catch(() => {}), late])
  clearTimeout(timer)
}
