import { useSignal } from "@preact/signals"
import type { ComponentType } from "preact"
import { useEffect } from "preact/hooks"
import { Overview } from "../pages/overview/Overview.tsx"
import { Button } from "../parts/Button.tsx"
import type { IconName } from "../parts/Icon.tsx"
import { Notice } from "../parts/Notice.tsx"

/** A page is asked for by what follows `#/`, and loaded when it is opened for the first time. */
export interface Page {
  readonly title: string
  /** In the bar at the bottom of narrow screens. */
  readonly short?: string
  readonly icon: IconName
  /** Behind `g`. */
  readonly key: string
  readonly load: () => Promise<ComponentType>
}

const ready = (page: ComponentType) => () => Promise.resolve(page)

/** In the order of the navigation. */
export const pages: Readonly<Record<string, Page>> = {
  overview: { title: "Overview", icon: "overview", key: "o", load: ready(Overview) },
}

const loaded = new Map<string, ComponentType>([["overview", Overview]])

/** Draws a page once its code is there. */
export const LazyPage = ({ name }: { readonly name: string }) => {
  const failure = useSignal<string | null>(null)
  const arrived = useSignal(0)
  const load = () => {
    failure.value = null
    pages[name]!.load().then(
      (page) => {
        loaded.set(name, page)
        arrived.value += 1
      },
      (error: unknown) => {
        failure.value = error instanceof Error ? error.message : String(error)
      },
    )
  }
  useEffect(() => {
    if (!loaded.has(name)) load()
  }, [name])
  void arrived.value
  const Page = loaded.get(name)
  if (Page !== undefined) return <Page key={name} />
  if (failure.value === null) return null
  return (
    <Notice
      tone="dead"
      title="This page could not be loaded."
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
