import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { within } from "./waiting.ts"

export interface RawReply {
  readonly status: number
  /** By lower-case name, every line of it. */
  readonly headers: Readonly<Record<string, ReadonlyArray<string>>>
  readonly body: Uint8Array
  readonly text: string
}

export interface RawRequest {
  readonly method?: string
  readonly path?: string
  /**
   * Written as they stand: nothing is added but `host` and, unless `chunked` or given,
   * `content-length`.
   */
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly body?: Uint8Array | string
  readonly chunked?: boolean
}

const bodyless = (status: number, method: string) =>
  method === "HEAD" || status < 200 || status === 204 || status === 304

/** One connection, on which every byte sent is the test's own and every byte received is kept. */
export class RawConnection {
  readonly socket: Socket
  readonly #patience: number | null
  #received = Buffer.alloc(0)
  #ended = false
  #changed: (() => void) | undefined

  private constructor(socket: Socket, patience: number | null) {
    this.socket = socket
    this.#patience = patience
    const wake = () => this.#changed?.()
    socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
      wake()
    })
    for (const event of ["end", "close", "error"])
      socket.on(event, () => {
        this.#ended = true
        wake()
      })
  }

  /**
   * @param patience for how many ms the other side may be silent while a reply, or its end, is
   * waited for; `null` for any time
   */
  static async open(url: string, patience: number | null = null): Promise<RawConnection> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await once(socket, "connect")
    return new RawConnection(socket, patience)
  }

  /** Returns once the kernel has taken all of it. */
  write(data: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(data, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** All of it is written before anything is read. */
  async send(request: RawRequest): Promise<void> {
    await this.write(encodeRequest(request))
  }

  async exchange(request: RawRequest): Promise<RawReply> {
    // Not awaited: a server may answer and close without reading everything.
    this.send(request).catch(() => {})
    return this.reply(request.method)
  }

  /** The next reply; an interim one (100) too. Rejects when the connection ends first. */
  async reply(method = "POST"): Promise<RawReply> {
    const headEnd = await this.#until(() => {
      const at = this.#received.indexOf("\r\n\r\n")
      return at === -1 ? undefined : at
    })
    const [statusLine, ...lines] = this.#received.subarray(0, headEnd).toString("latin1").split("\r\n")
    const status = Number(statusLine!.split(" ")[1])
    const headers: Record<string, Array<string>> = {}
    for (const line of lines) {
      const colon = line.indexOf(":")
      const name = line.slice(0, colon).toLowerCase()
      headers[name] = [...(headers[name] ?? []), line.slice(colon + 1).trim()]
    }
    this.#received = this.#received.subarray(headEnd + 4)
    const body = bodyless(status, method) ? Buffer.alloc(0) : await this.#body(headers)
    return { status, headers, body, text: body.toString() }
  }

  async #body(headers: Readonly<Record<string, ReadonlyArray<string>>>): Promise<Buffer> {
    if (headers["transfer-encoding"]?.[0] === "chunked") {
      const parts: Array<Buffer> = []
      for (;;) {
        const lineEnd = await this.#until(() => {
          const at = this.#received.indexOf("\r\n")
          return at === -1 ? undefined : at
        })
        const size = Number.parseInt(this.#received.subarray(0, lineEnd).toString(), 16)
        this.#received = this.#received.subarray(lineEnd + 2)
        parts.push((await this.#take(size + 2)).subarray(0, size))
        if (size === 0) return Buffer.concat(parts)
      }
    }
    return this.#take(Number(headers["content-length"]?.[0] ?? 0))
  }

  async #take(size: number): Promise<Buffer> {
    await this.#until(() => (this.#received.length >= size ? true : undefined))
    const taken = this.#received.subarray(0, size)
    this.#received = this.#received.subarray(size)
    return taken
  }

  async #until<A>(look: () => A | undefined): Promise<A> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (this.#ended) throw new Error("the connection ended before the reply was complete")
      const more = new Promise<void>((resolve) => {
        this.#changed = resolve
      })
      await this.#patiently(`a complete reply, of which ${this.#received.length} bytes are there`, more)
    }
  }

  /** Returns when the other side has closed. */
  closed(): Promise<void> {
    if (this.socket.closed) return Promise.resolve()
    const end = new Promise<void>((resolve) => this.socket.once("close", () => resolve()))
    return this.#patiently("the other side to close the connection", end)
  }

  #patiently(what: string, promise: Promise<void>): Promise<void> {
    return this.#patience === null ? promise : within(what, promise, this.#patience)
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** A request's bytes. */
const encodeRequest = ({
  method = "POST",
  path = "/",
  headers = [],
  body,
  chunked = false,
}: RawRequest): Uint8Array => {
  const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? Buffer.alloc(0))
  const lines = [`${method} ${path} HTTP/1.1`, "Host: millrace.test"]
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  if (chunked) lines.push("Transfer-Encoding: chunked")
  else if (body !== undefined && !given.has("content-length")) lines.push(`Content-Length: ${bytes.length}`)
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`)
  if (!chunked) return Buffer.concat([head, bytes])
  const parts: Array<Uint8Array> = [head]
  const size = Math.max(1, Math.ceil(bytes.length / 3))
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n"))
  }
  parts.push(Buffer.from("0\r\n\r\n"))
  return Buffer.concat(parts)
}
