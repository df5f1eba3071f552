import * as Struct from "effect/Struct"
import { load } from "./load.ts"
import type { ContestantOptions } from "./programs/contestant.ts"
import { median, print, progress, progressEnd, ratios, spread, table } from "./report.ts"
import { withContestants } from "./running.ts"
import { turns } from "./turns.ts"

export interface CostOptions {
  readonly rounds: number
  /** How long one round takes. */
  readonly seconds: number
  readonly connections: number
}

/** Microseconds of CPU time that one request has taken, a figure a round. */
export type Costs<Name extends string> = Readonly<Record<Name, ReadonlyArray<number>>>

/**
 * Sends the same request to servers that differ in one thing, in turns, and prints what it costs
 * each of them, also as a ratio to one of them.
 *
 * @param events that the request has
 */
export const compareCosts = async <Name extends string>(
  setups: Readonly<Record<Name, ContestantOptions>>,
  base: NoInfer<Name>,
  events: number,
  content: Parameters<typeof load>[1],
  { rounds, seconds, connections }: CostOptions,
): Promise<Costs<Name>> => {
  const names = Struct.keys(setups)
  const costs = await withContestants(new Map(names.map((name) => [name, setups[name]])), async (running) => {
    const measure = async (name: Name, duration: number): Promise<number> => {
      const { ask, port } = running.get(name)!
      const before = await ask("usage")
      const done = await load(port, content, { connections, seconds: duration })
      const after = await ask("usage")
      return (after.cpu - before.cpu) / done.requests
    }
    for (const name of names) {
      progress(`${events} events a request: warming up ${name}`)
      await measure(name, 2)
    }
    return turns(names, rounds, (name, round) => {
      progress(`${events} events a request: round ${round + 1} of ${rounds}, ${name}`)
      return measure(name, seconds)
    })
  })
  progressEnd()
  print("")
  print(`${events} event${events === 1 ? "" : "s"} a request`)
  const rows = names.map((name) => [
    name,
    `${median(costs[name]).toFixed(1)} us`,
    spread(ratios(costs[name], costs[base]), 3),
  ])
  for (const line of table(["", "CPU/request", `x ${base}`], rows)) print(line)
  return costs
}
