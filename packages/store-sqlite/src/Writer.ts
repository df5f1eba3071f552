import type { EventLog } from "@millrace/core/store"
import type { Failure } from "./errors.ts"
import type { NewestEntries } from "./NewestEntries.ts"
import { type Group, sizeOf } from "./packing.ts"
import type { Call, Outcome, Reply } from "./protocol.ts"
import type { Thread } from "./Thread.ts"
import type { Appended } from "./tables/records.ts"

/** With what became of a group's entries, its own from one of them on. */
type SettleAppend = (outcome: Outcome<Appended>, from: number) => void

type SettleCall = (outcome: Outcome<unknown>) => void

interface Asked {
  /** When it is given up, by the process's own clock, in ms. */
  readonly until: number
}

interface WaitingAppend extends Group, Asked {
  /** `null` once it has been given up. */
  settle: SettleAppend | null
}

interface WaitingCall extends Asked {
  readonly call: Call
  /** `null` once it has been given up. */
  settle: SettleCall | null
}

/** One transaction that the thread is at. */
interface UnderWay {
  readonly since: number
  readonly appends: ReadonlyArray<WaitingAppend>
  readonly calls: ReadonlyArray<WaitingCall>
}

/** What a process may hold in memory for a disk that does not keep up. */
const maxWaitingBytes = 64 * 1024 * 1024

/**
 * Enough to make a sync's cost disappear, few enough for a transaction of some ten ms, and for the
 * newest entries to have room for more.
 */
const maxGroup = { entries: 10_000, bytes: 4 * 1024 * 1024 }

const unavailable = (message: string): Failure => ({
  kind: "refused",
  reason: { _tag: "Unavailable" },
  message,
})

const busy = unavailable(`the disk does not keep up: ${maxWaitingBytes} bytes wait to be written`)

/**
 * Group commit: what arrives while a transaction runs shares the next one, and so one sync of the
 * disk. A writer begins at the end of the event loop's next turn: what arrives together is written
 * together, and where many requests are on their way it is half as many again that share a commit's
 * cost.
 *
 * A disk may hang in the middle of a sync. What waits for it for too long fails, and is not written
 * any more where that had not begun; and for as long as the transaction under way takes longer than
 * that, nothing new is taken: it would only wait.
 */
export class Writer {
  readonly #thread: Thread
  readonly #newest: NewestEntries
  readonly #patience: number
  readonly #late: Failure
  #appends: Array<WaitingAppend> = []
  #calls: Array<WaitingCall> = []
  #underWay: UnderWay | undefined
  /** Bytes of the appends that wait or are under way, given up or not. */
  #bytes = 0
  #busy = false
  #idle: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  /**
   * @param newest where entries are packed, and where they are found before those who appended them
   * are told
   * @param patience how long anything may take, in ms
   */
  constructor(thread: Thread, newest: NewestEntries, patience: number) {
    this.#thread = thread
    this.#newest = newest
    this.#patience = patience
    this.#late = unavailable(`not written within ${patience} ms: the disk hangs, or does not keep up`)
  }

  append(entries: ReadonlyArray<EventLog.NewEntry>, now: number, settle: SettleAppend): void {
    let size = 0
    for (const entry of entries) size += sizeOf(entry)
    const at = performance.now()
    const refusal = this.#isHanging(at)
      ? this.#late
      : this.#bytes > 0 && this.#bytes + size > maxWaitingBytes
        ? busy
        : null
    if (refusal !== null) {
      settle(refusal, 0)
      return
    }
    this.#bytes += size
    this.#appends.push({ entries, now, size, until: at + this.#patience, settle })
    this.#schedule()
  }

  /** @param patience other than usual, in ms */
  call(call: Call, settle: SettleCall, patience = this.#patience): void {
    const at = performance.now()
    if (this.#isHanging(at)) {
      settle(this.#late)
      return
    }
    this.#calls.push({ call, until: at + patience, settle })
    this.#schedule()
  }

  /** Once everything asked before has been answered. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#busy) this.#idle = resolve
      else resolve()
    })
  }

  #isHanging(at: number): boolean {
    return this.#underWay !== undefined && at - this.#underWay.since >= this.#patience
  }

  #schedule(): void {
    this.#watch()
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
    this.#underWay = { since: performance.now(), appends, calls }
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
        this.#underWay = undefined
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

  /** One timer for all: it looks again when the next of them has waited long enough. */
  #watch(): void {
    if (this.#timer !== undefined) return
    const { appends = [], calls = [] } = this.#underWay ?? {}
    let next = Number.POSITIVE_INFINITY
    for (const all of [appends, calls, this.#appends, this.#calls]) {
      for (const { until, settle } of all) if (settle !== null && until < next) next = until
    }
    if (next === Number.POSITIVE_INFINITY) return
    const look = (): void => {
      this.#timer = undefined
      this.#giveUp(performance.now())
      this.#watch()
    }
    this.#timer = setTimeout(look, Math.max(next - performance.now(), 1)).unref()
  }

  /**
   * What is under way may be written all the same, and is in memory for as long: it is only told
   * that it is late.
   */
  #giveUp(now: number): void {
    const isLate = ({ until }: Asked): boolean => until <= now
    const { appends = [], calls = [] } = this.#underWay ?? {}
    const late = this.#appends.filter(isLate)
    const lateCalls = this.#calls.filter(isLate)
    this.#appends = this.#appends.filter((one) => !isLate(one))
    this.#calls = this.#calls.filter((one) => !isLate(one))
    for (const { size } of late) this.#bytes -= size
    for (const one of [...appends.filter(isLate), ...late]) {
      const { settle } = one
      one.settle = null
      settle?.(this.#late, 0)
    }
    for (const one of [...calls.filter(isLate), ...lateCalls]) {
      const { settle } = one
      one.settle = null
      settle?.(this.#late)
    }
  }
}

const lost: Failure = { kind: "defect", message: "the reply does not fit the request" }

const settleAll = (
  appends: ReadonlyArray<WaitingAppend>,
  calls: ReadonlyArray<WaitingCall>,
  reply: Reply | Failure,
): void => {
  if ("kind" in reply) {
    for (const { settle } of appends) settle?.(reply, 0)
    for (const { settle } of calls) settle?.(reply)
    return
  }
  const appended = reply.appends ?? lost
  let from = 0
  for (const { entries, settle } of appends) {
    settle?.(appended, from)
    from += entries.length
  }
  for (const [index, { settle }] of calls.entries()) settle?.(reply.calls[index] ?? lost)
}
