import type { Tone } from "./words.ts"

/** What an attempt's outcome is called, and what it means for its events. */
export const outcomes = {
  delivered: { word: "Delivered", tone: "flow", means: "The receiver has answered 2xx." },
  "not-now": {
    word: "Not now",
    tone: "wait",
    means: "The receiver is down or busy. Tried again; no event is given up before 7 days of failing.",
  },
  misconfigured: {
    word: "Set up wrongly",
    tone: "dead",
    means:
      "The receiver is there, but does not take this: wrong address, key or method. Tried again; no event expires for it.",
  },
  refused: {
    word: "Refused",
    tone: "dead",
    means:
      "It refuses these events. The batch is split until the one it refuses is found; that one becomes a dead letter.",
  },
  "too-large": { word: "Too large", tone: "wait", means: "The batch is halved and sent again." },
  gone: {
    word: "Gone",
    tone: "dead",
    means: "It says that it is gone for good. Paused; its place is kept.",
  },
} as const satisfies Readonly<
  Record<string, { readonly word: string; readonly tone: Tone; readonly means: string }>
>
