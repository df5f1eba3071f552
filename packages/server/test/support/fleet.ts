import { type Server, serve } from "./command.ts"
import { destinationOf } from "./delivered.ts"
import type { Engine, Network } from "./engines.ts"
import { writeConfig } from "./pipeline.ts"
import type { ReceivedRequest, Receiver } from "./receiver.ts"
import { makeChanges, tempDir } from "./resources.ts"

/** One of several processes on one store, with a network of its own. */
export interface Process {
  readonly name: string
  readonly server: Server
  readonly network: Network
}

/** Several processes on one store, as their receiver sees them: each sends to paths of its own. */
export interface Fleet {
  readonly start: (name: string) => Promise<Process>
  /** The destinations whose newest request came from a process. */
  readonly served: (by: Process) => ReadonlyArray<string>
  /** Resolves once all destinations are served by these, each by the same one for a while. */
  readonly settled: (by: ReadonlyArray<Process>) => Promise<void>
  /**
   * Resolves once none of these destinations is served by a process any more: each has had a newer
   * request of another.
   */
  readonly relieved: (process: Process, destinations: ReadonlyArray<string>) => Promise<void>
  /** Resolves once a process serves all of these destinations. */
  readonly serves: (process: Process, destinations: ReadonlyArray<string>) => Promise<void>
  /**
   * Leaves a process without an answer from now on; resolves once it waits for one at every
   * destination it serves.
   */
  readonly hold: (process: Process) => Promise<void>
  /** Answers all that was kept waiting. */
  readonly letGo: () => Promise<void>
}

/** The process that a request came from. */
export const senderOf = ({ url }: Pick<ReceivedRequest, "url">): string => url.split("/").at(-2)!

/**
 * How often a process has noted that there are others than before, itself after a lease that has
 * ended included.
 */
export const changesNoted = ({ server }: Pick<Process, "server">): number =>
  server.stderr().split("the processes that deliver from this store have changed").length - 1

/** Resolves once all know of each other. */
export const acquainted = async (processes: ReadonlyArray<Process>): Promise<void> => {
  for (const { server } of processes) {
    await server.until(() => server.stderr().includes(`processes=${processes.length}`))
  }
}

/** Requests in a row from one process. */
const aWhile = 15

export const makeFleet = (engine: Engine, receiver: Receiver, destinations: ReadonlyArray<string>): Fleet => {
  const newest = new Map<string, { readonly sender: string; readonly inARow: number }>()
  let looked = 0
  let held: string | null = null
  /** What lets each destination's go that is kept waiting. */
  const waiting = new Map<string, () => void>()
  const arrivals = makeChanges()

  const look = (): void => {
    for (; looked < receiver.requests.length; looked++) {
      const request = receiver.requests[looked]!
      const sender = senderOf(request)
      const before = newest.get(destinationOf(request))
      const inARow = before?.sender === sender ? before.inARow + 1 : 1
      newest.set(destinationOf(request), { sender, inARow })
    }
  }
  const servedBy = (name: string): ReadonlyArray<string> => {
    look()
    return destinations.filter((id) => newest.get(id)?.sender === name)
  }

  receiver.answer = (_, url) => {
    if (held === null || senderOf({ url }) !== held) return 200
    return new Promise((resolve) => {
      waiting.set(destinationOf({ url }), () => resolve(200))
      arrivals.notify()
    })
  }

  return {
    start: async (name) => {
      const cwd = tempDir()
      const network = await engine.network()
      writeConfig(cwd, Object.fromEntries(destinations.map((id) => [id, `${receiver.url}/${name}/${id}`])))
      return { name, network, server: await serve(["--store", network.store], { cwd }) }
    },
    served: ({ name }) => servedBy(name),
    settled: (by) =>
      receiver.until(() => {
        look()
        return destinations.every((id) => {
          const { sender, inARow } = newest.get(id) ?? { sender: null, inARow: 0 }
          return inARow >= aWhile && by.some(({ name }) => name === sender)
        })
      }),
    relieved: ({ name }, ids) => receiver.until(() => !servedBy(name).some((id) => ids.includes(id))),
    serves: ({ name }, ids) =>
      receiver.until(() => {
        const served = servedBy(name)
        return ids.every((id) => served.includes(id))
      }),
    hold: async ({ name }) => {
      held = name
      await arrivals.until(() => servedBy(name).every((id) => waiting.has(id)))
    },
    letGo: async () => {
      held = null
      const count = receiver.requests.length + waiting.size
      for (const answer of waiting.values()) answer()
      waiting.clear()
      await receiver.until(() => receiver.requests.length >= count)
    },
  }
}
