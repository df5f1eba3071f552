/** The words and tones of the states that things are in: the same on all pages, and in Statsig. */

/** The state of events, and nothing else: delivered, waiting, filtered out, failed or dead. */
export type Tone = "flow" | "wait" | "skip" | "dead"

/** The shape that goes with a tone, for whoever does not see colours. */
export type Mark = "delivered" | "waiting" | "filtered" | "dead"

export const markOf: Readonly<Record<Tone, Mark>> = {
  flow: "delivered",
  wait: "waiting",
  skip: "filtered",
  dead: "dead",
}

export const markWords: Readonly<Record<Mark, string>> = {
  delivered: "delivered",
  waiting: "waiting",
  filtered: "filtered out",
  dead: "dead letter",
}

export const states = {
  flowing: { word: "Flowing", tone: "flow" },
  behind: { word: "Catching up", tone: "wait" },
  failing: { word: "Failing", tone: "dead" },
  paused: { word: "Paused", tone: "skip" },
  gone: { word: "Gone (410)", tone: "dead" },
} as const satisfies Readonly<Record<string, { readonly word: string; readonly tone: Tone }>>

export type State = keyof typeof states

export const deadReasons: Readonly<Record<string, string>> = {
  invalid: "Rejected on arrival",
  refused: "Refused by the receiver",
  "too-large": "Too large for the receiver",
  poison: "Breaks the receiver",
  unexportable: "Could not be made",
  expired: "Given up after 7 days",
}

/** Statsig's own words for categories, and two of ours. */
export const categories: Readonly<Record<string, string>> = {
  exposures: "Exposures",
  config_changes: "Configuration Changes",
  custom: "Custom Events",
  auto_capture: "Auto capture",
  internal: "Internal",
}
