/** The processes of a server, as an operator sees them: what each does, and what it takes. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export const Process = Schema.Struct({
  /** "primary", "worker 1"; the only one of a program that mounts the library is "program". */
  name: Schema.String,
  /** "intake", or all of it. */
  does: Schema.String,
  /** Resident, in bytes. */
  memory: Schema.Finite,
  /** The share of a core since it was asked for last; the first time, since the process began. */
  cpu: Schema.Finite,
  /** Open ones that senders have made; `null` where nobody counts. */
  connections: Schema.NullOr(Schema.Int),
  /** How often another process had to take its place. */
  restarts: Schema.Int,
}).annotate({ identifier: "Process" })

export type Process = typeof Process.Type

/** What a process says of itself. */
export interface ProcessFacts extends Omit<Process, "cpu"> {
  readonly cpuSeconds: number
  /** In seconds since the epoch. */
  readonly startedAt: number
}

/** ms. In less than this a share says more of the moment of asking than of the work. */
const leastSpan = 500

/** This process. */
export const own = (name: string, does: string): ProcessFacts => {
  const { user, system } = process.cpuUsage()
  return {
    ...{ name, does, connections: null, restarts: 0 },
    memory: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / 1e6,
    startedAt: performance.timeOrigin / 1000,
  }
}

interface Seen {
  readonly at: number
  readonly cpuSeconds: number
  readonly startedAt: number
  readonly share: number
}

/** @param found asked for with every list */
export const make = (
  found: Effect.Effect<ReadonlyArray<ProcessFacts>>,
): Effect.Effect<ReadonlyArray<Process>> => {
  let seen: ReadonlyMap<string, Seen> = new Map()
  const shareOf = ({ name, cpuSeconds, startedAt }: ProcessFacts, at: number): Seen => {
    const before = seen.get(name)
    const isSame = before?.startedAt === startedAt && at >= before.at
    if (isSame && at - before.at < leastSpan) return before
    const since = isSame ? before : { at: startedAt * 1000, cpuSeconds: 0 }
    const span = Math.max(at - since.at, leastSpan) / 1000
    return { at, cpuSeconds, startedAt, share: Math.max(cpuSeconds - since.cpuSeconds, 0) / span }
  }
  return Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const facts = yield* found
    const shares = new Map(facts.map((one) => [one.name, shareOf(one, at)]))
    seen = shares
    return facts.map(({ cpuSeconds: _, startedAt: __, ...row }) => ({
      ...row,
      cpu: shares.get(row.name)!.share,
    }))
  })
}
