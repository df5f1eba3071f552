import { randomBytes, randomInt } from "node:crypto"
import { Agent, request } from "node:http"
import { setTimeout as delay } from "node:timers/promises"
import { onTestFinished } from "vitest"
import { makeChanges } from "./resources.ts"

export interface Reply {
  readonly status: number
  readonly body: string
}

/** Rejects when the connection breaks before there is a whole reply. */
export const post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
  agent?: Agent,
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const sending = request(url, { method: "POST", headers, ...(agent === undefined ? {} : { agent }) })
    sending.once("error", reject)
    sending.once("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
      })
      response.once("error", reject)
      response.once("end", () => resolve({ status: response.statusCode!, body: text }))
    })
    sending.end(body)
  })

const noiseText = randomBytes(1024 * 1024).toString("base64")

/** A text that no store can make much smaller, another one each time. */
const noise = (length: number): string => {
  const start = randomInt(noiseText.length)
  const end = start + length
  const times = Math.ceil(end / noiseText.length)
  return (times === 1 ? noiseText : noiseText.repeat(times)).slice(start, end)
}

/**
 * The body of a request that logs one event for each id, each of so many bytes more than it takes.
 */
export const eventsBody = (ids: ReadonlyArray<string>, padding = 0): string =>
  JSON.stringify({
    events: ids.map((id) => ({
      eventName: "load",
      user: { userID: id },
      time: Date.now(),
      metadata: { id, ...(padding === 0 ? {} : { padding: noise(padding) }) },
    })),
  })

export const eventHeaders = (key: string): Readonly<Record<string, string>> => ({
  "statsig-api-key": key,
  "statsig-client-time": String(Date.now()),
})

/** How many batches were answered how. */
export interface Answers {
  readonly acknowledged: number
  readonly refused: number
}

export interface LoadOptions {
  /** ms that a sender rests after each of its batches: none by default. */
  readonly pause?: number
  /** What the ids of its events begin with, beside another load. */
  readonly prefix?: string
}

/** What became of the batches of a load: the ids of their events. */
export interface Load {
  /** Answered 202. */
  readonly acknowledged: ReadonlySet<string>
  /** Never answered: they may have been stored or not. */
  readonly unanswered: ReadonlySet<string>
  /** Answered 503: a store that was given up on may have stored them all the same. */
  readonly refused: ReadonlySet<string>
  /**
   * Begins a time of a name: what goes on outside. Batches from now on have so many bytes more an
   * event.
   */
  readonly during: (phase: string, padding?: number) => void
  /** To batches begun and answered within one time. */
  readonly answers: (phase: string) => Answers
  /** How many batches a server has acknowledged. */
  readonly taken: (url: string) => number
  /** The longest that a batch was without an answer, in ms. */
  readonly longest: () => number
  /** The longest time without an acknowledgement, in ms. */
  readonly drought: () => number
  readonly until: (condition: () => boolean) => Promise<void>
  /**
   * Posts batch after batch to a server until `stop` is called or its connection breaks; resolves
   * when all senders are through. Rejects when an answer is neither 202 nor 503.
   */
  readonly send: (url: string) => Promise<void>
  readonly stop: () => void
}

/** A sender that was refused tries again after so many ms, with other events. */
const afterRefusal = 5

/** @param senders for each server that is sent to */
export const makeLoad = (
  key: string,
  senders: number,
  { pause = 0, prefix = "" }: LoadOptions = {},
): Load => {
  const acknowledged = new Set<string>()
  const unanswered = new Set<string>()
  const refused = new Set<string>()
  const phases = new Map<string, { acknowledged: number; refused: number }>()
  const changes = makeChanges()
  const agent = new Agent({ keepAlive: true, maxSockets: senders })
  onTestFinished(() => agent.destroy())
  let phase = ""
  let padding = 0
  let longest = 0
  let batches = 0
  let stopped = false
  /** An answer that nobody should get. */
  let strange: Error | undefined
  let acknowledgedAt = performance.now()
  let drought = 0
  const taken = new Map<string, number>()

  const tallyOf = (of: string) => {
    const tally = phases.get(of) ?? { acknowledged: 0, refused: 0 }
    phases.set(of, tally)
    return tally
  }

  const sendBatch = async (url: string, ids: ReadonlyArray<string>): Promise<number | null> => {
    try {
      const { status } = await post(`${url}/v1/log_event`, eventHeaders(key), eventsBody(ids, padding), agent)
      return status
    } catch {
      return null
    }
  }

  const sendBatches = async (url: string): Promise<void> => {
    while (!stopped) {
      batches += 1
      const ids = Array.from({ length: 1 + (batches % 20) }, (_, index) => `${prefix}${batches}-${index}`)
      const begun = { phase, at: performance.now() }
      const status = await sendBatch(url, ids)
      longest = Math.max(longest, performance.now() - begun.at)
      if (status === null) {
        for (const id of ids) unanswered.add(id)
        return
      }
      if (status !== 202 && status !== 503) {
        strange = new Error(`a batch was answered ${status}`)
        changes.notify()
        throw strange
      }
      const isAcknowledged = status === 202
      const now = performance.now()
      drought = Math.max(drought, now - acknowledgedAt)
      if (isAcknowledged) {
        acknowledgedAt = now
        taken.set(url, (taken.get(url) ?? 0) + 1)
      }
      for (const id of ids) (isAcknowledged ? acknowledged : refused).add(id)
      if (begun.phase === phase) tallyOf(phase)[isAcknowledged ? "acknowledged" : "refused"] += 1
      changes.notify()
      const rest = isAcknowledged ? pause : Math.max(pause, afterRefusal)
      if (rest > 0) await delay(rest)
    }
  }
  return {
    acknowledged,
    unanswered,
    refused,
    during: (of, bytes = 0) => {
      phase = of
      padding = bytes
    },
    answers: tallyOf,
    taken: (url) => taken.get(url) ?? 0,
    longest: () => longest,
    drought: () => drought,
    until: async (condition) => {
      await changes.until(() => strange !== undefined || condition())
      if (strange !== undefined) throw strange
    },
    send: async (url) => {
      stopped = false
      acknowledgedAt = performance.now()
      await Promise.all(Array.from({ length: senders }, () => sendBatches(url)))
    },
    stop: () => {
      stopped = true
    },
  }
}
