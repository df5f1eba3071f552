import type { ComponentChild } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { call } from "../api/call.ts"
import type { Failure as FailureValue } from "../api/failure.ts"
import type { InputOf, OutputOf, Path } from "../api/rows.ts"
import type { Signal } from "../state/signals.ts"
import { useSignal } from "../state/signals.ts"
import { Failure, Skeleton } from "./Notice.tsx"
import { patience } from "./useSlow.ts"

/** Something that is loaded for a page, and may be loaded again. */
export interface Resource<A> {
  /** What was there stays while the next is loaded, and when that fails. */
  readonly value: Signal<A | null>
  readonly failure: Signal<FailureValue | null>
  /** It has taken so long that grey lines help. */
  readonly isSlow: Signal<boolean>
  readonly reload: () => void
}

/** Asks for it when the page opens, and again whenever the input is another. */
export const useResource = <P extends Path>(path: P, input: InputOf<P>): Resource<OutputOf<P>> => {
  const value = useSignal<OutputOf<P> | null>(null)
  const failure = useSignal<FailureValue | null>(null)
  const isSlow = useSignal(false)
  const running = useRef<AbortController | null>(null)
  const load = async () => {
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    const slow = setTimeout(() => {
      isSlow.value = true
    }, patience)
    const reply = await call(path, input, controller.signal)
    clearTimeout(slow)
    if (controller.signal.aborted) return
    isSlow.value = false
    failure.value = reply.ok ? null : reply.failure
    if (reply.ok) value.value = reply.value as OutputOf<P> | null
  }
  useEffect(() => {
    void load()
    return () => running.current?.abort()
  }, [path, JSON.stringify(input)])
  return { value, failure, isSlow, reload: () => void load() }
}

interface LoadProps<A> {
  readonly of: Resource<A>
  readonly rows: number
  readonly children: (value: A) => ComponentChild
}

/** Draws what was loaded; grey lines, or the failure, where there is nothing yet. */
export const Load = <A,>({ of, rows, children }: LoadProps<A>) => {
  const value = of.value.value
  const failure = of.failure.value
  return (
    <>
      {failure !== null && <Failure failure={failure} retry={of.reload} />}
      {value !== null && children(value)}
      {value === null && failure === null && of.isSlow.value && <Skeleton rows={rows} />}
    </>
  )
}
