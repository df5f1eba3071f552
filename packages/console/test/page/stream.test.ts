import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { failed, type Reply } from "../../web/api/failure.ts"
import { type Connection, hiddenFor, makeStream, silence } from "../../web/api/stream.ts"

/** A server whose answers the test writes. */
const setUp = () => {
  const opened: Array<{ readonly input: unknown; readonly signal: AbortSignal }> = []
  const messages: Array<unknown> = []
  const connections: Array<Connection> = []
  let body: ReadableStreamDefaultController<Uint8Array> | null = null
  let next: Reply<Response> | null = null
  const stream = makeStream({
    open: async (input, signal) => {
      opened.push({ input, signal })
      if (next !== null) return next
      const response = new Response(
        new ReadableStream({
          start: (controller) => {
            body = controller
          },
        }),
      )
      return { ok: true, value: response }
    },
    onMessage: (message) => messages.push(message),
    onConnection: (connection) => connections.push(connection),
  })
  return {
    stream,
    opened,
    messages,
    last: () => connections.at(-1)?._tag,
    answer: (reply: Reply<Response> | null) => {
      next = reply
    },
    send: async (value: unknown) => {
      body!.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(value)}\n\n`))
      await vi.advanceTimersByTimeAsync(0)
    },
    end: async () => {
      body!.close()
      await vi.advanceTimersByTimeAsync(0)
    },
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const settle = () => vi.advanceTimersByTimeAsync(0)

describe("the stream of a tab", () => {
  it("gives what is told, and comes back by itself when it ends", async () => {
    const { stream, opened, messages, last, send, end } = setUp()
    stream.ask({ topics: ["status"] })
    await settle()
    await send({ n: 1 })
    expect(messages).toEqual([{ n: 1 }])
    expect(last()).toBe("Connected")
    await end()
    expect(last()).toBe("Lost")
    await vi.advanceTimersByTimeAsync(1_200)
    expect(opened).toHaveLength(2)
    await send({ n: 2 })
    expect(messages).toHaveLength(2)
  })

  it("asks for other topics in place of the first", async () => {
    const { stream, opened } = setUp()
    stream.ask({ topics: ["status"] })
    await settle()
    stream.ask({ topics: ["status", "live"] })
    await settle()
    expect(opened.map(({ input }) => input)).toEqual([{ topics: ["status"] }, { topics: ["status", "live"] }])
    expect(opened.map(({ signal }) => signal.aborted)).toEqual([true, false])
  })

  it("counts a silent connection as lost", async () => {
    const { stream, last, send } = setUp()
    stream.ask({})
    await settle()
    await send({})
    await vi.advanceTimersByTimeAsync(silence - 1)
    expect(last()).toBe("Connected")
    await vi.advanceTimersByTimeAsync(1)
    expect(last()).toBe("Lost")
  })

  it("waits longer after each failure, and not at all when somebody asks", async () => {
    const { stream, opened, answer } = setUp()
    answer(failed(503, "busy"))
    stream.ask({})
    await settle()
    await vi.advanceTimersByTimeAsync(1_200)
    expect(opened).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1_200)
    expect(opened).toHaveLength(2)
    stream.again()
    await settle()
    expect(opened).toHaveLength(3)
  })

  it("does not try again when nobody is signed in", async () => {
    const { stream, opened, answer } = setUp()
    answer(failed(401, "sign in first"))
    stream.ask({})
    await vi.advanceTimersByTimeAsync(600_000)
    expect(opened).toHaveLength(1)
  })

  it("closes some time after the tab is hidden, and opens when it is shown", async () => {
    const { stream, opened, last } = setUp()
    stream.ask({})
    await settle()
    stream.visible(false)
    await vi.advanceTimersByTimeAsync(hiddenFor - 20_001)
    expect(last()).not.toBe("Asleep")
    await vi.advanceTimersByTimeAsync(20_001)
    expect(last()).toBe("Asleep")
    stream.visible(true)
    await settle()
    expect(opened.at(-1)!.signal.aborted).toBe(false)
  })
})
