import type { EventLog } from "@millrace/core"
import type { Failure } from "./errors.ts"
import type { NewestEntries } from "./NewestEntries.ts"
import { type Group, sizeOf } from "./packing.ts"
import type { Call, Outcome, Reply } from "./protocol.ts"
import type { Thread } from "./Thread.ts"
import type { Appended } from "./tables/records.ts"

/** With what became of a group's entries, its own from one of them on. */
type SettleAppend = (outcome: Outcome<Appended>, from: number) => void

interface WaitingAppend extends Group {
  readonly settle: SettleAppend
}

interface WaitingCall {
  readonly call: Call
  readonly settle: (outcome: Outcome<unknown>) => void
}

/** What a process may hold in memory for a disk that does not keep up. */
const maxWaitingBytes = 64 * 1024 * 1024

/** Enough to make a sync's cost disappear, few enough for a transaction of some ten ms, and for the newest entries to have room for more. */
const maxGroup = { entries: 10_000, bytes: 4 * 1024 * 1024 }

const busy: Failure = {
  kind: "refused",
  reason: { _tag: "Unavailable" },
  message: `the disk does not keep up: ${maxWaitingBytes} bytes wait to be written`,
}

/**
 * Group commit: what arrives while a transaction runs shares the next one, and so one sync of the disk. A writer begins at the
 * end of the event loop's next turn: what arrives together is written together, and where many requests are on their way it
 * is half as many again that share a commit's cost.
 */
export class Writer {
  readonly #thread: Thread
  readonly #newest: NewestEntries
  #appends: Array<WaitingAppend> = []
  #calls: Array<WaitingCall> = []
  /** Of the appends that are not yet acknowledged. */
  #bytes = 0
  #busy = false
  #idle: (() => void) | undefined

  /** @param newest where entries are packed, and where they are found before those who appended them are told */
  constructor(thread: Thread, newest: NewestEntries) {
    this.#thread = thread
    this.#newest = newest
  }

  append(entries: ReadonlyArray<EventLog.NewEntry>, now: number, settle: SettleAppend): void {
    let size = 0
    for (const entry of entries) size += sizeOf(entry)
    if (this.#bytes > 0 && this.#bytes + size > maxWaitingBytes) {
      settle(busy, 0)
      return
    }
    this.#bytes += size
    this.#appends.push({ entries, now, size, settle })
    this.#schedule()
  }

  call(call: Call, settle: (outcome: Outcome<unknown>) => void): void {
    this.#calls.push({ call, settle })
    this.#schedule()
  }

  /** Once everything asked before has been answered. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#busy) this.#idle = resolve
      else resolve()
    })
  }

  #schedule(): void {
    if (this.#busy) return
    this.#busy = true
    this.#flushSoon()
  }

  /** After what the event loop now does, and once more what its sockets have brought by then. */
  #flushSoon(): void {
    setImmediate(() => setImmediate(() => this.#flush()))
  }

  #flush(): void {
    const appends = this.#takeAppends()
    const calls = this.#calls
    this.#calls = []
    if (appends.length === 0 && calls.length === 0) {
      this.#busy = false
      this.#idle?.()
      return
    }
    const packed = appends.length === 0 ? null : this.#newest.pack(appends)
    this.#thread.post(
      {
        kind: "request",
        appends: packed && {
          ...packed,
          counts: Uint32Array.from(appends, ({ entries }) => entries.length),
        },
        calls: calls.map(({ call }) => call),
      },
      (reply) => {
        for (const { size } of appends) this.#bytes -= size
        if (packed !== null && "calls" in reply && reply.appends?.kind === "done") {
          this.#newest.add(packed, reply.appends.value)
        }
        // Before the callers go on: what they ask for next joins what has gathered meanwhile.
        this.#flushSoon()
        settleAll(appends, calls, reply)
      },
    )
  }

  /** The first so many that make a group, at least one. */
  #takeAppends(): ReadonlyArray<WaitingAppend> {
    let count = 0
    let entries = 0
    let bytes = 0
    for (const append of this.#appends) {
      entries += append.entries.length
      bytes += append.size
      if (count > 0 && (entries > maxGroup.entries || bytes > maxGroup.bytes)) break
      count += 1
    }
    const taken = this.#appends.slice(0, count)
    this.#appends = this.#appends.slice(count)
    return taken
  }
}

const lost: Failure = { kind: "defect", message: "the reply does not fit the request" }

const settleAll = (
  appends: ReadonlyArray<WaitingAppend>,
  calls: ReadonlyArray<WaitingCall>,
  reply: Reply | Failure,
): void => {
  if ("kind" in reply) {
    for (const { settle } of appends) settle(reply, 0)
    for (const { settle } of calls) settle(reply)
    return
  }
  const appended = reply.appends ?? lost
  let from = 0
  for (const { entries, settle } of appends) {
    settle(appended, from)
    from += entries.length
  }
  for (const [index, { settle }] of calls.entries()) settle(reply.calls[index] ?? lost)
}
