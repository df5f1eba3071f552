import type { Failure } from "../../api/failure.ts"
import type { Ask, EventFound, EventRow } from "../../api/rows.ts"
import { streamed } from "../../api/streamed.ts"
import { signal } from "../../state/signals.ts"

/** How a search goes: it looks backwards by slices of time, and can be stopped. */
export type SearchState =
  | { readonly _tag: "Idle" }
  | {
      readonly _tag: "Searching" | "Stopped" | "Done"
      readonly looked: number
      readonly backTo: number | null
      readonly found: number
      /** The whole of what is kept was looked at. */
      readonly isAll: boolean
      /** ms since it began, when it has ended. */
      readonly took: number
    }
  | { readonly _tag: "Failed"; readonly failure: Failure }

/** What is looked for. */
export type Wanted = Ask<"events/find">

/** Rows that one search brings: as many as one looks through. */
export const atOnce = 100

/** One search at a time: beginning another ends the one before. */
export const makeSearch = (onRow: (row: EventRow) => void) => {
  const state = signal<SearchState>({ _tag: "Idle" })
  let running: AbortController | null = null

  const begin = async (wanted: Wanted): Promise<void> => {
    running?.abort()
    const controller = new AbortController()
    running = controller
    const started = performance.now()
    let now = { looked: 0, backTo: null as number | null, found: 0, isAll: false, took: 0 }
    const put = (_tag: "Searching" | "Stopped" | "Done", changes: Partial<typeof now> = {}) => {
      now = { ...now, ...changes, took: performance.now() - started }
      state.value = { _tag, ...now }
    }
    put("Searching")
    const reply = await streamed<EventFound>(
      "events/find",
      { limit: atOnce, ...wanted },
      controller.signal,
      (found) => {
        if ("row" in found) {
          put("Searching", { found: now.found + 1 })
          onRow(found.row)
        } else if ("progress" in found) put("Searching", found.progress)
        else put("Done", found.done)
      },
    )
    if (running !== controller) return
    if (controller.signal.aborted) put("Stopped")
    else if (!reply.ok) state.value = { _tag: "Failed", failure: reply.failure }
    else if (state.peek()._tag === "Searching") put("Done")
  }

  return {
    state,
    begin: (wanted: Wanted) => void begin(wanted),
    stop: () => running?.abort(),
    end: () => {
      running?.abort()
      running = null
    },
  }
}

export type Search = ReturnType<typeof makeSearch>
