import type { Attempts, Counters, DeadLetters, Documents } from "@millrace/core/store"

/** The bounds that the ports state, handed to the worker so that it need not load the core. */
export interface Limits {
  readonly log: { readonly maxBytes: number }
  readonly deadLetters: typeof DeadLetters.limits & { readonly intake: typeof DeadLetters.intake }
  readonly attempts: typeof Attempts.limits & { readonly delivered: typeof Attempts.delivered }
  readonly documents: typeof Documents.limits
  readonly counters: typeof Counters.limits & { readonly otherNames: typeof Counters.otherNames }
}

/** Each has 8 KiB at most: what a call writes stays under 4 MB. */
export const lettersPerCall = 500
