import { Attempts, Counters, DeadLetters, Documents } from "@millrace/core/store"
import { describe, expect, it } from "vitest"
import type { Failure } from "../src/errors.ts"
import { FileMarks } from "../src/FileMarks.ts"
import type { Reply, Request } from "../src/protocol.ts"
import { Thread } from "../src/Thread.ts"
import { freshPath } from "./support/store.ts"

const makeThread = (path: string): Thread =>
  new Thread(() => ({
    path,
    mode: "write",
    busyTimeout: 1_000,
    maxPages: null,
    limits: {
      log: { maxBytes: 1 << 20 },
      deadLetters: { ...DeadLetters.limits, intake: DeadLetters.intake },
      attempts: { ...Attempts.limits, delivered: Attempts.delivered },
      documents: Documents.limits,
      counters: { ...Counters.limits, otherNames: Counters.otherNames },
    },
    known: null,
    marks: new FileMarks().memory,
  }))

const ask = (thread: Thread, request: Request): Promise<Reply | Failure> =>
  new Promise((resolve) => thread.post(request, resolve))

const head: Request = {
  kind: "request",
  appends: null,
  calls: [{ table: "log", method: "head", parameters: [] }],
}

/** No request at all: what could not be foreseen is to end the thread, not the process. */
const nonsense = { kind: "request", appends: null, calls: null } as unknown as Request

describe("a thread", () => {
  it("that stops fails what waits for it, and is started again by the next request", async () => {
    const thread = makeThread(freshPath())
    expect(await ask(thread, head)).toMatchObject({ calls: [{ kind: "done", value: 0 }] })
    const lost = await Promise.all([ask(thread, nonsense), ask(thread, head)])
    for (const failure of lost) {
      expect(failure).toMatchObject({ kind: "refused", reason: { _tag: "Unavailable" } })
    }
    expect(await ask(thread, head)).toMatchObject({ calls: [{ kind: "done", value: 0 }] })
    await thread.close()
  })

  it("fails a request that cannot be posted, and answers the next", async () => {
    const thread = makeThread(freshPath())
    const unpostable: Request = {
      ...head,
      calls: [{ table: "log", method: "head", parameters: [() => 0] }],
    }
    expect(await ask(thread, unpostable)).toMatchObject({ kind: "defect" })
    expect(await ask(thread, head)).toMatchObject({ calls: [{ kind: "done", value: 0 }] })
    await thread.close()
  })

  it("answers everything asked before it closes, in order", async () => {
    const thread = makeThread(freshPath())
    const answered: Array<number> = []
    for (let request = 0; request < 10; request++) thread.post(head, () => answered.push(request))
    await thread.close()
    expect(answered).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it("that was never needed closes at once", async () => {
    await makeThread("/nowhere/millrace.db").close()
  })
})
