import { useState } from "preact/hooks"
import type { Failure, Reply } from "../api/failure.ts"

/** Something that a button does at the server. */
export interface Act {
  readonly isBusy: boolean
  /** It stays where it happened, until it is tried again. */
  readonly failure: Failure | null
  /** Does nothing while the last one is under way. */
  readonly act: <A>(run: () => Promise<Reply<A>>, done: (value: A) => void) => void
}

export const useAct = (): Act => {
  const [isBusy, busy] = useState(false)
  const [failure, fail] = useState<Failure | null>(null)
  const act: Act["act"] = (run, done) => {
    if (isBusy) return
    busy(true)
    fail(null)
    void run().then((reply) => {
      busy(false)
      if (reply.ok) done(reply.value)
      else fail(reply.failure)
    })
  }
  return { isBusy, failure, act }
}
