import type { Metadata } from "../Sdk.ts"
import type { ProjectUser } from "../standIn/project.ts"

export interface Evaluated<A> {
  readonly value: A
  readonly ruleID: string
  /** Where the SDK says it has this from. */
  readonly reason: string
}

export interface Grouped<A> extends Evaluated<A> {
  readonly groupName: string | null
}

/** What an SDK says of a user. */
export interface Reading {
  readonly gates: Readonly<Record<string, Evaluated<boolean>>>
  readonly configs: Readonly<Record<string, Evaluated<unknown>>>
  readonly experiments: Readonly<Record<string, Grouped<unknown>>>
  /** Their parameters that were asked for. */
  readonly layers: Readonly<Record<string, Grouped<Readonly<Record<string, unknown>>>>>
}

/** An unmodified SDK that has its gates, and not only its events, from a server. */
export interface EvaluatingSdk {
  /** Reads everything there is for a user: each gate, config and parameter is an exposure, too. */
  readonly read: (user: ProjectUser) => Promise<Reading>
  /** Logs an event of the user that was read last. */
  readonly log: (eventName: string, value: string | number | undefined, metadata: Metadata) => void
  readonly flush: () => Promise<void>
  /** Also flushes. */
  readonly shutdown: () => Promise<void>
}
