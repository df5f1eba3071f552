import type { ComponentType } from "preact"
import { Overview } from "../pages/overview/Overview.tsx"
import type { IconName } from "../parts/Icon.tsx"
import { lazy } from "../parts/lazy.tsx"

/** A page is asked for by what follows `#/`. All but the first are loaded when they are opened. */
export interface Page {
  readonly title: string
  /** In the bar at the bottom of narrow screens. */
  readonly short?: string
  readonly icon: IconName
  /** Behind `g`. */
  readonly key: string
  readonly page: ComponentType
}

/** In the order of the navigation. */
export const pages: Readonly<Record<string, Page>> = {
  overview: { title: "Overview", icon: "overview", key: "o", page: Overview },
  live: {
    title: "Live",
    icon: "live",
    key: "l",
    page: lazy("Live"),
  },
  destinations: {
    title: "Destinations",
    icon: "destinations",
    key: "d",
    page: lazy("DestinationsPage"),
  },
  "dead-letters": {
    title: "Dead letters",
    short: "Letters",
    icon: "letters",
    key: "x",
    page: lazy("LettersPage"),
  },
  health: {
    title: "Health",
    icon: "health",
    key: "h",
    page: lazy("HealthPage"),
  },
  keys: {
    title: "Keys",
    icon: "keys",
    key: "k",
    page: lazy("KeysPage"),
  },
}
