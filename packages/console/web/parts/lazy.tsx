import { signal } from "@preact/signals"
import type { ComponentType } from "preact"
import { useEffect } from "preact/hooks"
import { Button } from "./Button.tsx"
import { Notice } from "./Notice.tsx"

/** A component whose code is loaded when it is first drawn: pages, dialogs, what few ever see. */
export const lazy = <P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> => {
  const loaded = signal<ComponentType<P> | null>(null)
  const failure = signal<string | null>(null)
  const begin = () => {
    failure.value = null
    load().then(
      (component) => {
        loaded.value = component
      },
      (error: unknown) => {
        failure.value = error instanceof Error ? error.message : String(error)
      },
    )
  }
  return (props: P) => {
    useEffect(() => {
      if (loaded.peek() === null) begin()
    }, [])
    const Loaded = loaded.value
    if (Loaded !== null) return <Loaded {...props} />
    if (failure.value === null) return null
    return (
      <Notice
        tone="dead"
        title="This part of the page could not be loaded."
        actions={
          <Button small onClick={begin}>
            Try again
          </Button>
        }
      >
        {failure.value}
      </Notice>
    )
  }
}
