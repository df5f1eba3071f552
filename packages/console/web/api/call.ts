import { failed, type Reply } from "./failure.ts"
import { request } from "./request.ts"
import type { InputOf, OutputOf, Path } from "./rows.ts"

/** Does one action of the admin API. Failures are values. */
export const call = async <P extends Path>(
  path: P,
  input: InputOf<P>,
  signal?: AbortSignal,
): Promise<Reply<OutputOf<P>>> => {
  const reply = await request(path, input, { signal })
  if (!reply.ok) return reply
  try {
    return { ok: true, value: (await reply.value.json()) as OutputOf<P> }
  } catch {
    return failed(0, "The answer was cut off.")
  }
}
