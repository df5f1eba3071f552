import { contestantCore, type Running, start } from "./processes.ts"
import type { ContestantAbilities, ContestantOptions } from "./programs/contestant.ts"

export type RunningContestant = Running<ContestantAbilities> & { readonly port: number }

/** A contestant of the intake in a process of its own. */
const startContestant = async (options: ContestantOptions): Promise<RunningContestant> => {
  const running = await start<ContestantAbilities>("contestant", contestantCore, options)
  return { ...running, port: await running.ask("port") }
}

/** Starts one for each name, uses them, and stops them all. */
export const withContestants = async <Name extends string, A>(
  setups: ReadonlyMap<Name, ContestantOptions>,
  use: (contestants: ReadonlyMap<Name, RunningContestant>) => Promise<A>,
): Promise<A> => {
  const running = new Map<Name, RunningContestant>()
  try {
    for (const [name, options] of setups) running.set(name, await startContestant(options))
    return await use(running)
  } finally {
    for (const { stop } of running.values()) await stop()
  }
}
