import type { IncomingMessage } from "node:http"
import type { Readable } from "node:stream"
import { HttpIngest } from "@millrace/core"
import { type BodyLimits, BodyPace, type Held } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import { letFlow } from "./internal/flowing.ts"
import { youngMemory } from "./internal/YoungMemory.ts"

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

/** Whether a parser of forms has taken JSON text for a form: `curl -d` says that it sends one. */
const isJsonAsForm = (req: IncomingMessage, body: unknown): boolean =>
  typeof body === "object" &&
  body !== null &&
  /^(application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(req.headers["content-type"] ?? "") &&
  Object.keys(body).some((name) => /^\s*[[{]/.test(name))

const asBytes = (kept: unknown): Uint8Array | undefined =>
  kept instanceof Uint8Array ? kept : typeof kept === "string" ? Buffer.from(kept) : undefined

/** Writes a parsed value as JSON again; `undefined` when that cannot be done. */
const writtenAgain = (body: unknown): Uint8Array | undefined => {
  try {
    const text: string | undefined = JSON.stringify(body)
    return text === undefined ? undefined : Buffer.from(text)
  } catch {
    return undefined
  }
}

/**
 * Finds what a parser in front of us has left. `rawBody` comes first, where clouds' runtimes and
 * frameworks keep the bytes beside what they have parsed: a signature over them holds, and numbers
 * have their digits. Bytes or text in `body` are used as they are. It has inflated them too, while
 * the `content-encoding` header remains.
 */
const hostBody = (req: IncomingMessage): HttpIngest.IngestBody | HttpIngest.BodyError["reason"] => {
  // Nothing came, whatever a parser has made of it.
  if (!req.readableDidRead && req.readableEnded) return { bytes: new Uint8Array(0), inflated: true }
  const { rawBody, body } = req as { readonly rawBody?: unknown; readonly body?: unknown }
  const raw = asBytes(rawBody)
  if (raw !== undefined) return { bytes: raw, inflated: true }
  const kept = asBytes(body)
  if (kept === undefined && isJsonAsForm(req, body)) return "FormParsed"
  const bytes = kept ?? writtenAgain(body)
  return bytes === undefined ? "Consumed" : { bytes, inflated: true, parsed: true }
}

/** Puts Node's request into neutral form. Nothing of its body is read before it is asked for. */
export const openExchange = (
  req: IncomingMessage,
  limits: BodyLimits,
  options: ExchangeOptions = {},
): Exchange => {
  const stream = options.stream ?? req
  let held: Held | undefined

  const release = () => {
    if (held === undefined) return
    youngMemory.use(-held.bytes)
    held.release()
  }

  /** Returns what takes all of its listeners away again. */
  const read = (
    maxBytes: number,
    done: (body: Effect.Effect<HttpIngest.IngestBody, HttpIngest.BodyError>) => void,
    share: HttpIngest.BodyShare = "keyed",
  ): (() => void) => {
    if (stream.readableDidRead || stream.readableEnded) {
      const left = hostBody(req)
      if (typeof left === "string") done(failed(left))
      else if (left.bytes.length > maxBytes) done(failed("TooLarge"))
      else done(Effect.succeed(left))
      return ignore
    }
    if (stream.destroyed || (stream === req && Number(req.headers["content-length"]) > maxBytes)) {
      done(failed(stream.destroyed ? "Aborted" : "TooLarge"))
      return ignore
    }

    const chunks: Array<Uint8Array> = []
    const taken = share === "unkept" ? undefined : limits.budget.begin(share)
    held = taken
    let length = 0

    const detach = () => {
      clearTimeout(timer)
      stopFlow()
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
      if (taken === undefined) return
      if (!taken.add(chunk.length)) return stop("Overloaded")
      youngMemory.use(chunk.length)
      chunks.push(chunk)
    }
    const onEnd = () => {
      detach()
      const bytes = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      youngMemory.spend(chunks.length === 1 ? bytes.length : 2 * bytes.length)
      done(Effect.succeed({ bytes, inflated: stream !== req }))
    }
    const onClose = () => stop("Aborted")

    const pace = new BodyPace(limits.timeout)
    const check = () => {
      if (!pace.holds(length)) return stop("TimedOut")
      timer = setTimeout(check, pace.span)
    }
    let timer = setTimeout(check, pace.span)
    options.onRead?.()
    // "close" follows every "error", but an error nobody listens to would end the process.
    stream.on("error", ignore)
    stream.on("close", onClose)
    stream.on("end", onEnd)
    stream.on("data", onData)
    const stopFlow = letFlow(stream)
    return detach
  }

  return {
    request: {
      method: req.method ?? "GET",
      url: options.url ?? req.url ?? "/",
      headers: req.headers,
      // Asked for only by who keeps it. Some hosts make requests without a socket.
      get peer() {
        return (req.socket as IncomingMessage["socket"] | undefined)?.remoteAddress
      },
      read,
      body: (maxBytes, share) => Effect.callback((resume) => Effect.sync(read(maxBytes, resume, share))),
    },
    release,
  }
}
