import { request } from "../api/request.ts"
import type { Ask, Frame, Status, Streamed } from "../api/rows.ts"
import { type Connection, makeStream } from "../api/stream.ts"
import { span } from "../text/times.ts"
import { learnTime } from "./clock.ts"
import { isReadOnly } from "./session.ts"
import { computed, signal } from "./signals.ts"

/** The newest status, every two seconds; `null` before the first. It stays when nothing comes. */
export const status = signal<Status | null>(null)

export const connection = signal<Connection>({ _tag: "Connecting" })

/** What is asked for in Live. */
export type LiveFilter = NonNullable<Ask<"stream">["live"]>

/** `null` when no page shows events. */
let live: LiveFilter | null = null
const frames = new Set<(frame: Frame) => void>()

const stream = makeStream({
  open: (input, abort) => request("stream", input, { signal: abort, accept: "text/event-stream" }),
  onMessage: (message) => {
    const told = message as Streamed
    if ("frame" in told) {
      for (const take of frames) take(told.frame)
      return
    }
    learnTime(told.status.at)
    status.value = told.status
  },
  onConnection: (next) => {
    if (next._tag !== "Connected" || connection.peek()._tag !== "Connected") connection.value = next
  },
})

const ask = (): void => {
  const wanted: Ask<"stream"> = live === null ? { topics: ["status"] } : { topics: ["status", "live"], live }
  stream.ask(wanted)
}

/** Begins to take frames of Live; what it gives back ends that. */
export const takeFrames = (filter: LiveFilter, take: (frame: Frame) => void): (() => void) => {
  live = filter
  frames.add(take)
  ask()
  return () => {
    frames.delete(take)
    if (frames.size > 0) return
    live = null
    ask()
  }
}

export const tryAgain = stream.again

export const startStream = ask

export const stopStream = stream.stop

export const watchTab = (): void => {
  document.addEventListener("visibilitychange", () => stream.visible(!document.hidden))
  addEventListener("online", tryAgain)
}

/** Why nothing can be changed at present; `null` when it can. */
export const locked = computed(() => {
  if (isReadOnly.value) return "You are signed in with read-only access."
  return connection.value._tag === "Lost" ? "Not now: disconnected from the server." : null
})

/** For how long there has been no connection, as words. */
export const lostFor = (now: number): string => {
  const { value } = connection
  if (value._tag !== "Lost") return ""
  // Whole seconds: it counts up once a second.
  const seconds = Math.max(Math.round((now - value.since) / 1000), 1)
  return seconds < 60 ? `${seconds} s` : span(seconds * 1000)
}
