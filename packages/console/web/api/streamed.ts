import { messagesOf } from "./eventStream.ts"
import { failed, type Reply } from "./failure.ts"
import { request } from "./request.ts"

/**
 * Does an action that tells what happens for a while, such as a search: each message goes to
 * `onMessage`, and what comes back says how it ended.
 */
export const streamed = async <A>(
  name: string,
  input: unknown,
  signal: AbortSignal,
  onMessage: (message: A) => void,
): Promise<Reply<null>> => {
  const reply = await request(name, input, { signal, accept: "text/event-stream" })
  if (!reply.ok) return reply
  try {
    for await (const { data } of messagesOf(reply.value)) {
      if (signal.aborted) return failed(0, "Stopped.")
      onMessage(JSON.parse(data) as A)
    }
    return { ok: true, value: null }
  } catch {
    return failed(0, signal.aborted ? "Stopped." : "The connection has ended before the answer had.")
  }
}
