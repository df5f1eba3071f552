import type { ComponentType } from "preact"
import { useEffect } from "preact/hooks"
import type * as Later from "../later.ts"
import { signal } from "../state/signals.ts"
import { Button } from "./Button.tsx"
import { Notice } from "./Notice.tsx"

const loaded = signal<typeof Later | null>(null)
const failure = signal<string | null>(null)

const load = (): void => {
  failure.value = null
  import("../later.ts").then(
    (later) => {
      loaded.value = later
    },
    (error: Error) => {
      failure.value = error.message
    },
  )
}

type PropsOf<C> = C extends () => unknown ? object : C extends (props: infer P) => unknown ? P : never

/** A component whose code is loaded when one of them is first drawn: what few need at once. */
export const lazy =
  <K extends keyof typeof Later>(name: K): ComponentType<PropsOf<(typeof Later)[K]>> =>
  (props) => {
    useEffect(() => {
      if (loaded.peek() === null) load()
    }, [])
    const Loaded = loaded.value?.[name] as ComponentType<typeof props> | undefined
    if (Loaded !== undefined) return <Loaded {...props} />
    if (failure.value === null) return null
    return (
      <Notice
        tone="dead"
        title="This part of the page could not be loaded."
        actions={
          <Button small onClick={load}>
            Try again
          </Button>
        }
      >
        {failure.value}
      </Notice>
    )
  }
