import { HttpIngest } from "@millrace/core"
import { type BodyLimits, BodyPace, discardLimits, type Held } from "@millrace/core/host"
import * as Effect from "effect/Effect"

/** The body of one request, on its way in. */
export interface Upload {
  /** Within the limits, and once at most. */
  readonly read: HttpIngest.IngestRequest["body"]
  /** Gives the body's bytes back to the budget: when the reply is known, or there will be none. */
  readonly release: () => void
  /** Whether some of it may still come. */
  readonly isOpen: () => boolean
  /** Reads and forgets what still comes, within {@link discardLimits}, and cuts off the rest. */
  readonly discard: () => Promise<void>
}

type Failure = HttpIngest.BodyError["reason"]

const nothing = new Uint8Array(0)

const concatenated = (chunks: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  if (chunks.length === 1) return chunks[0]!
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Resolves as soon as a body comes too slowly; `stop` ends the watching. */
const watchPace = (timeout: number, lengthNow: () => number) => {
  const pace = new BodyPace(timeout)
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<"TimedOut">((resolve) => {
    const check = () => {
      if (!pace.holds(lengthNow())) resolve("TimedOut")
      else timer = setTimeout(check, pace.span)
    }
    timer = setTimeout(check, pace.span)
  })
  return { late, stop: () => clearTimeout(timer) }
}

/** Nothing of the body is read before it is asked for. */
export const openUpload = (request: Request, limits: BodyLimits): Upload => {
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  let held: Held | null = null
  let hasEnded = false

  /** Somebody in front of us has read the body, or is about to. */
  const isTaken = () => reader === null && (request.bodyUsed || request.body?.locked === true)
  const isOpen = () => !hasEnded && !isTaken() && request.body !== null

  /** The next piece; `null` at the end, and when the client has gone, by which it fails. */
  const next = async (from: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | null> => {
    try {
      const { done, value } = await from.read()
      hasEnded ||= done
      return done ? null : value
    } catch (error) {
      hasEnded = true
      throw error
    }
  }

  const collect = async (maxBytes: number, share: HttpIngest.BodyShare): Promise<Uint8Array | Failure> => {
    if (isTaken()) return "Consumed"
    if (request.body === null) return nothing
    if (Number(request.headers.get("content-length")) > maxBytes) return "TooLarge"
    const from = request.body.getReader()
    reader = from
    held = share === "unkept" ? null : limits.budget.begin(share)
    const chunks: Array<Uint8Array> = []
    let length = 0
    const pace = watchPace(limits.timeout, () => length)
    try {
      for (;;) {
        const chunk = await Promise.race([next(from), pace.late])
        if (chunk === "TimedOut") return chunk
        if (chunk === null) return held === null ? nothing : concatenated(chunks, length)
        length += chunk.length
        if (length > maxBytes) return "TooLarge"
        if (held === null) continue
        if (!held.add(chunk.length)) return "Overloaded"
        chunks.push(chunk)
      }
    } catch {
      return "Aborted"
    } finally {
      pace.stop()
    }
  }

  return {
    read: (maxBytes, share = "keyed") =>
      Effect.flatMap(
        Effect.promise(() => collect(maxBytes, share)),
        (result) =>
          typeof result === "string"
            ? Effect.fail(new HttpIngest.BodyError({ reason: result }))
            : Effect.succeed({ bytes: result, inflated: false }),
      ),
    release: () => held?.release(),
    isOpen,
    discard: async () => {
      if (!isOpen()) return
      const from = reader ?? request.body!.getReader()
      reader = from
      const cut = () => void from.cancel().catch(() => {})
      const timer = setTimeout(cut, discardLimits.time)
      try {
        let left = discardLimits.bytes
        for (let chunk = await next(from); chunk !== null; chunk = await next(from)) {
          left -= chunk.length
          if (left < 0) cut()
        }
      } catch {
        // The client has gone: then nothing comes any more.
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
