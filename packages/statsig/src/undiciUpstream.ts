import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher } from "undici"
import { Upstream, UpstreamError, type UpstreamReply, type UpstreamRequest } from "./Upstream.ts"

/** To each host. Behind them requests wait, for as long as they may take. */
const connections = 128

/** ms. Shorter than any request may take, so that a host that is away is known to be. */
const connectTimeout = 2_000

/** Bytes of replies that are on their way at one time: eight of the largest. */
const maxBuffered = 256 * 1024 * 1024

/** Bytes. CDNs add some. */
const maxHeaderBytes = 32 * 1024

/** The room that replies on their way take, over all requests. */
class Room {
  private taken = 0

  take(bytes: number): boolean {
    if (this.taken + bytes > maxBuffered) return false
    this.taken += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.taken -= bytes
  }
}

/** Error codes name no host, no path and no header; messages may. */
const codeOf = (error: unknown): string | null => {
  if (!(error instanceof Error)) return null
  const code = "code" in error ? error.code : undefined
  if (typeof code === "string" && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)) return code
  return error.cause === undefined ? null : codeOf(error.cause)
}

type Outcome = Effect.Effect<UpstreamReply, UpstreamError>

/** Reads a reply as undici receives it, within the bounds. */
class ReplyReader implements Dispatcher.DispatchHandler {
  private readonly settle: (outcome: Outcome) => void
  private readonly room: Room
  private readonly maxBytes: number
  private controller: Dispatcher.DispatchController | null = null
  private aborted: Error | null = null
  private status = 0
  private headers: UpstreamReply["headers"] = {}
  private readonly chunks: Array<Uint8Array> = []
  private length = 0

  /** @param settle told the outcome, at least once: the first one counts */
  constructor(settle: (outcome: Outcome) => void, room: Room, maxBytes: number) {
    this.settle = settle
    this.room = room
    this.maxBytes = maxBytes
  }

  /** Also before there is a connection: then nothing is sent. */
  abort(reason: Error): void {
    this.aborted = reason
    this.controller?.abort(reason)
    this.leave()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.aborted !== null) controller.abort(this.aborted)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: UpstreamReply["headers"]): void {
    this.status = status
    this.headers = headers
    if (Number(headers["content-length"]) > this.maxBytes) this.fail("TooLarge")
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.aborted !== null) return
    if (this.room.take(chunk.length)) {
      this.length += chunk.length
      this.chunks.push(chunk)
      if (this.length > this.maxBytes) this.fail("TooLarge")
    } else {
      this.fail("Overloaded")
    }
  }

  onResponseEnd(): void {
    if (this.aborted !== null) return
    const body = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks)
    this.settle(Effect.succeed({ status: this.status, headers: this.headers, body }))
    this.leave()
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    const reason = this.controller === null ? "NoConnection" : this.status === 0 ? "Unanswered" : "Broken"
    this.settle(Effect.fail(new UpstreamError({ reason, code: codeOf(error) })))
    this.leave()
  }

  private fail(reason: UpstreamError["reason"]): void {
    const error = new UpstreamError({ reason, code: null })
    this.settle(Effect.fail(error))
    this.abort(error)
  }

  /** Its bytes are the receiver's now, or nobody's. */
  private leave(): void {
    this.room.giveBack(this.length)
    this.length = 0
    this.chunks.length = 0
  }
}

const interrupted = new Error("interrupted")

const make = Effect.gen(function* () {
  const room = new Room()
  const agent = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new Agent({
          connections,
          connect: { timeout: connectTimeout },
          // Below the 5 seconds after which many servers close theirs.
          keepAliveTimeout: 4_000,
          maxHeaderSize: maxHeaderBytes,
          // Whoever asks says how long.
          headersTimeout: 0,
          bodyTimeout: 0,
        }),
    ),
    (agent) => Effect.promise(() => agent.destroy()),
  )
  const send = ({ origin, path, method, headers, body, maxBytes }: UpstreamRequest): Outcome =>
    Effect.callback<UpstreamReply, UpstreamError>((resume) => {
      // Not from within undici, which is not done with the request yet.
      const reader = new ReplyReader((outcome) => queueMicrotask(() => resume(outcome)), room, maxBytes)
      try {
        agent.dispatch({ origin, path, method, headers, body }, reader)
      } catch (error) {
        resume(Effect.fail(new UpstreamError({ reason: "NoConnection", code: codeOf(error) })))
      }
      return Effect.sync(() => reader.abort(interrupted))
    })
  return Upstream.of({ send })
})

/** Keeps connections until its scope closes. */
export const layer: Layer.Layer<Upstream> = Layer.effect(Upstream, make)
