import type { Duplex } from "node:stream"
import { type EventLog, StoreError, type StoreReason } from "@millrace/core"
import type { Position } from "@millrace/core/store"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type Frame, FrameReader, headBytes, writeHead } from "./Frame.ts"

type NewEntry = EventLog.NewEntry

/** How a payload is read. All but an append is JSON. */
const kinds = { append: 1, call: 2, done: 3, failed: 4 } as const

/** What can be asked for by name: an argument and a result, both as JSON. */
export type Calls = Readonly<Record<string, readonly [input: unknown, output: unknown]>>

/** Answers what the other side asks. */
export type Handlers<C extends Calls> = {
  readonly [N in keyof C]: (input: C[N][0]) => Effect.Effect<C[N][1], StoreError>
}

/** An entry that the other side wants to be stored. */
export interface Append {
  readonly entry: NewEntry
  readonly partition: number
  readonly answer: (exit: Exit.Exit<Position.Position, StoreError>) => void
}

export interface Channel<Theirs extends Calls> {
  readonly call: <N extends keyof Theirs & string>(
    name: N,
    input: Theirs[N][0],
  ) => Effect.Effect<Theirs[N][1], StoreError>
  readonly append: (entry: NewEntry, partition: number) => Effect.Effect<Position.Position, StoreError>
  /**
   * Ends it once all that was written is sent. Calls that still wait for an answer fail with
   * `Closed`.
   */
  readonly end: () => void
}

export interface ChannelOptions<Ours extends Calls> {
  /** Where handlers run: its logger. */
  readonly context: Context.Context<never>
  readonly handlers: Handlers<Ours>
  /** Gets what has come in one go; nobody appends where it is missing. */
  readonly onAppends?: (appends: ReadonlyArray<Append>) => void
  /** The other side has gone, or cannot be understood any more. */
  readonly onClose: () => void
}

/** Smaller bodies are copied beside their head: that is cheaper than a buffer more to write. */
const smallBody = 4 * 1024

const wordBytes = 4

/**
 * The head of `partition events length text body`: the text is the entry's id and envelope, and has
 * `length` bytes.
 */
const appendHeadBytes = 3 * wordBytes

/** Characters of an entry's id. */
const idLength = 32

const encodeAppend = (
  { id, envelope, events, body }: NewEntry,
  partition: number,
  call: number,
): ReadonlyArray<Uint8Array> => {
  const text = id + envelope
  const textBytes = Buffer.byteLength(text)
  const isSmall = body.length <= smallBody
  const start = headBytes + appendHeadBytes
  const bytes = Buffer.allocUnsafe(start + textBytes + (isSmall ? body.length : 0))
  writeHead(bytes, appendHeadBytes + textBytes + body.length, kinds.append, call)
  bytes.writeUInt32LE(partition, headBytes)
  bytes.writeUInt32LE(events, headBytes + wordBytes)
  bytes.writeUInt32LE(textBytes, headBytes + 2 * wordBytes)
  bytes.write(text, start)
  if (!isSmall) return [bytes, body]
  bytes.set(body, start + textBytes)
  return [bytes]
}

const decodeAppend = (payload: Buffer): { readonly entry: NewEntry; readonly partition: number } => {
  const end = appendHeadBytes + payload.readUInt32LE(2 * wordBytes)
  const text = payload.toString("utf8", appendHeadBytes, end)
  return {
    partition: payload.readUInt32LE(0),
    entry: {
      id: text.slice(0, idLength),
      envelope: text.slice(idLength),
      events: payload.readUInt32LE(wordBytes),
      body: payload.subarray(end),
    },
  }
}

const encodeJson = (value: unknown, kind: number, call: number): Buffer => {
  const text = JSON.stringify(value ?? null)
  const length = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(headBytes + length)
  writeHead(bytes, length, kind, call)
  bytes.write(text, headBytes)
  return bytes
}

/**
 * A failure as it crosses: its reason and message, or, for a defect, what there is to say of it.
 */
type Failure = { readonly reason: StoreReason; readonly message: string } | { readonly defect: string }

const failureOf = (cause: Cause.Cause<StoreError>): Failure => {
  if (Cause.hasInterruptsOnly(cause)) return closed("the store was closed meanwhile")
  const error = Cause.squash(cause)
  return error instanceof StoreError
    ? { reason: error.reason, message: error.message }
    : { defect: Cause.pretty(cause) }
}

const exitOf = (failure: Failure): Exit.Exit<never, StoreError> =>
  "defect" in failure ? Exit.die(new Error(failure.defect)) : Exit.fail(new StoreError(failure))

const closed = (message: string) => new StoreError({ reason: { _tag: "Closed" }, message })

/**
 * Makes calls in both directions over one stream between two processes, and appends in one
 * direction, whose bodies cross as bytes. All that is written in one turn of the event loop goes in
 * one piece. Callers bound what they have in flight.
 */
export const make = <Ours extends Calls, Theirs extends Calls>(
  stream: Duplex,
  { context, handlers, onAppends, onClose }: ChannelOptions<Ours>,
): Channel<Theirs> => {
  const run = Effect.runCallbackWith(context)
  const reader = new FrameReader()
  const waiting = new Map<number, (exit: Exit.Exit<unknown, StoreError>) => void>()
  let outbox: Array<Uint8Array> = []
  let lastCall = 0
  let isClosed = false

  const flush = (): void => {
    const buffers = outbox
    outbox = []
    if (isClosed) return
    stream.cork()
    for (const bytes of buffers) stream.write(bytes)
    stream.uncork()
  }
  const send = (...buffers: ReadonlyArray<Uint8Array>): void => {
    if (outbox.length === 0) setImmediate(flush)
    outbox.push(...buffers)
  }

  const ask = (encode: (call: number) => ReadonlyArray<Uint8Array>): Effect.Effect<unknown, StoreError> =>
    Effect.callback((resume) => {
      if (isClosed) return resume(closed("the other process has gone"))
      lastCall = (lastCall + 1) >>> 0
      const call = lastCall
      waiting.set(call, resume)
      send(...encode(call))
      return Effect.sync(() => void waiting.delete(call))
    })

  const answer = (call: number, exit: Exit.Exit<unknown, StoreError>): void =>
    send(
      Exit.isSuccess(exit)
        ? encodeJson(exit.value, kinds.done, call)
        : encodeJson(failureOf(exit.cause), kinds.failed, call),
    )

  const settle = (call: number, exit: Exit.Exit<unknown, StoreError>): void => {
    const resume = waiting.get(call)
    waiting.delete(call)
    resume?.(exit)
  }

  let appends: Array<Append> = []
  const take = ({ kind, call, payload }: Frame): void => {
    switch (kind) {
      case kinds.append:
        appends.push({ ...decodeAppend(payload), answer: (exit) => answer(call, exit) })
        break
      case kinds.call: {
        // Written by the same build on the other side.
        const [name, input] = JSON.parse(payload.toString()) as [keyof Ours, never]
        run(handlers[name](input), { onExit: (exit) => answer(call, exit) })
        break
      }
      case kinds.done:
        settle(call, Exit.succeed(JSON.parse(payload.toString())))
        break
      case kinds.failed:
        settle(call, exitOf(JSON.parse(payload.toString()) as Failure))
        break
      default:
        throw new RangeError(`a frame of kind ${kind}`)
    }
  }

  const close = (): void => {
    if (isClosed) return
    isClosed = true
    stream.destroy()
    onClose()
    for (const call of [...waiting.keys()]) settle(call, Exit.fail(closed("the other process has gone")))
  }
  stream.on("data", (chunk: Buffer) => {
    try {
      reader.read(chunk, take)
    } catch (error) {
      stream.destroy(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (appends.length === 0) return
    const arrived = appends
    appends = []
    onAppends?.(arrived)
  })
  stream.on("error", close)
  stream.on("end", close)
  stream.on("close", close)

  return {
    call: (name, input) => ask((call) => [encodeJson([name, input], kinds.call, call)]),
    append: (entry, partition) =>
      ask((call) => encodeAppend(entry, partition, call)) as Effect.Effect<Position.Position, StoreError>,
    end: () => {
      flush()
      stream.end()
    },
  }
}
