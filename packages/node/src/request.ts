import type { IncomingMessage } from "node:http"
import type { Readable } from "node:stream"
import { HttpIngest } from "@millrace/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { spend, use } from "./internal/youngMemory.ts"

/** What an HTTP adapter needs of Millrace. The object that `Millrace.make` returns is one. */
export interface Ingest {
  /** Whether the path of this URL is one of ours, whatever the method. */
  readonly matches: (url: string) => boolean
  /** Never rejects for what a client sends; a rejection is a programmer's error. */
  readonly handle: (request: HttpIngest.IngestRequest) => Promise<HttpIngest.IngestReply>
}

export interface BodyOptions {
  /** How long one body may take to arrive whole, 30 seconds by default: a slow sender must not hold memory for long. */
  readonly bodyTimeout?: Duration.Input
  /**
   * How many bytes of bodies may be in memory at one time. Without it all handlers of the process share 256 MB:
   * twenty-five bodies of the largest kind, or a hundred thousand usual ones.
   */
  readonly maxBufferedBytes?: number
}

interface BodyBudget {
  readonly max: number
  used: number
}

/** {@link BodyOptions}, ready for use. */
export interface BodyLimits {
  /** ms */
  readonly timeout: number
  readonly budget: BodyBudget
}

// Memory belongs to the process, so what may be used of it is counted there.
const processBudget: BodyBudget = { max: 256 * 1024 * 1024, used: 0 }

/** Once per handler, when it is made. */
export const bodyLimits = (options: BodyOptions = {}): BodyLimits => ({
  timeout: Duration.toMillis(Duration.fromInputUnsafe(options.bodyTimeout ?? "30 seconds")),
  budget: options.maxBufferedBytes === undefined ? processBudget : { max: options.maxBufferedBytes, used: 0 },
})

/** One request on its way through Millrace. */
export interface Exchange {
  readonly request: HttpIngest.IngestRequest
  /** Gives the body's bytes back to the budget: when the reply is known, or there will be none. */
  readonly release: () => void
}

export interface ExchangeOptions {
  /** The URL to route by, where a host has rewritten `req.url`. */
  readonly url?: string
  /** Where the body comes from, where a host has put a decoder in front of it. */
  readonly stream?: Readable
  /** Called before the first byte of the body is read: the place for `100 Continue`. */
  readonly onRead?: () => void
}

const ignore = () => {}

const failed = (reason: HttpIngest.BodyError["reason"]) => Effect.fail(new HttpIngest.BodyError({ reason }))

/**
 * What a parser in front of us has left in `req.body`: bytes or text are used as they are, a value is written as JSON again.
 * It has inflated them too, while the `content-encoding` header remains.
 */
const hostBody = (req: IncomingMessage): Uint8Array | undefined => {
  const body = "body" in req ? req.body : undefined
  if (body instanceof Uint8Array) return body
  if (typeof body === "string") return Buffer.from(body)
  // Parsers make an object of nothing, too.
  if (req.headers["content-length"] === "0") return new Uint8Array(0)
  try {
    const text: string | undefined = JSON.stringify(body)
    return text === undefined ? undefined : Buffer.from(text)
  } catch {
    return undefined
  }
}

/** Puts Node's request into neutral form. Nothing of its body is read before it is asked for. */
export const openExchange = (
  req: IncomingMessage,
  limits: BodyLimits,
  options: ExchangeOptions = {},
): Exchange => {
  const { budget } = limits
  const stream = options.stream ?? req
  let held = 0

  const release = () => {
    budget.used -= held
    use(-held)
    held = 0
  }

  /** Returns what takes all of its listeners away again. */
  const read = (
    maxBytes: number,
    done: (body: Effect.Effect<HttpIngest.IngestBody, HttpIngest.BodyError>) => void,
  ): (() => void) => {
    if (stream.readableDidRead) {
      const bytes = hostBody(req)
      if (bytes === undefined) done(failed("Consumed"))
      else if (bytes.length > maxBytes) done(failed("TooLarge"))
      else done(Effect.succeed({ bytes, inflated: true }))
      return ignore
    }
    if (stream.destroyed || (stream === req && Number(req.headers["content-length"]) > maxBytes)) {
      done(failed(stream.destroyed ? "Aborted" : "TooLarge"))
      return ignore
    }

    const chunks: Array<Uint8Array> = []
    let length = 0

    const detach = () => {
      clearTimeout(timer)
      stream.off("data", onData)
      stream.off("end", onEnd)
      stream.off("close", onClose)
    }
    const stop = (reason: HttpIngest.BodyError["reason"]) => {
      detach()
      stream.pause()
      release()
      done(failed(reason))
    }
    const onData = (data: Uint8Array | string) => {
      const chunk = typeof data === "string" ? Buffer.from(data, stream.readableEncoding ?? "utf8") : data
      length += chunk.length
      if (length > maxBytes) return stop("TooLarge")
      if (budget.used + chunk.length > budget.max) return stop("Overloaded")
      budget.used += chunk.length
      use(chunk.length)
      held += chunk.length
      chunks.push(chunk)
    }
    const onEnd = () => {
      detach()
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)
      spend(chunks.length === 1 ? length : 2 * length)
      done(Effect.succeed({ bytes, inflated: stream !== req }))
    }
    const onClose = () => stop("Aborted")

    const timer = setTimeout(stop, limits.timeout, "TimedOut")
    options.onRead?.()
    // "close" follows every "error", but an error nobody listens to would end the process.
    stream.on("error", ignore)
    stream.on("close", onClose)
    stream.on("end", onEnd)
    stream.on("data", onData)
    return detach
  }

  return {
    request: {
      method: req.method ?? "GET",
      url: options.url ?? req.url ?? "/",
      headers: req.headers,
      read,
      body: (maxBytes) => Effect.callback((resume) => Effect.sync(read(maxBytes, resume))),
    },
    release,
  }
}
