import { useEffect, useState } from "preact/hooks"
import { call } from "../../api/call.ts"
import type { Failure } from "../../api/failure.ts"
import type { OutputOf } from "../../api/rows.ts"
import { type FromFilterForm, type Mistake, type Selection, sameSelection } from "../../logic/filterForm.ts"
import { mistakesOf } from "../../logic/problems.ts"

export type DryRun = OutputOf<"destinations/try-filter">

export interface Trial {
  /** The newest that could be made; it stays while the next one is. */
  readonly run: DryRun | null
  /** How many of the same events pass by what is saved; `null` when that cannot be told. */
  readonly now: number | null
  readonly mistakes: ReadonlyArray<Mistake>
  readonly failure: Failure | null
}

/** How long nothing is changed before it is tried, in ms. */
const rest = 250

/** The newest events that are looked at. */
const looked = 10_000

const tryOut = (selection: Selection, examples: number, signal: AbortSignal) =>
  call("destinations/try-filter", { selection, limit: looked, examples }, signal)

/** Tries what the form says on the newest events, and beside it what is saved. */
export const useDryRun = (made: FromFilterForm, saved: Selection): Trial => {
  const [trial, show] = useState<Trial>({ run: null, now: null, mistakes: [], failure: null })
  const key = JSON.stringify(made)
  useEffect(() => {
    if (!made.ok) return show((before) => ({ ...before, mistakes: made.mistakes, failure: null }))
    const controller = new AbortController()
    const { signal } = controller
    const timer = setTimeout(async () => {
      const isSame = sameSelection(made.selection, saved)
      const [reply, old] = await Promise.all([
        tryOut(made.selection, 1, signal),
        isSame ? null : tryOut(saved, 0, signal),
      ])
      if (signal.aborted) return
      if (!reply.ok) {
        const mistakes = reply.failure.status === 400 ? mistakesOf(reply.failure.message) : []
        return show((before) => ({
          ...before,
          mistakes,
          failure: mistakes.length > 0 ? null : reply.failure,
        }))
      }
      const now = isSame ? reply.value.passed : old?.ok ? old.value.passed : null
      show({ run: reply.value, now, mistakes: [], failure: null })
    }, rest)
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [key, saved])
  return trial
}
