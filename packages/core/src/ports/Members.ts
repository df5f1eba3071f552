import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { byText, guard } from "./memory/memoryPort.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * The processes that deliver from one store, each known by a random id that it makes at its start.
 * Membership is decided by the store's own clock, so that the clocks of their machines do
 * not matter.
 */
export class Members extends Context.Service<
  Members,
  {
    /**
     * Whether several processes may deliver from this store at once. If not, the one that has it
     * owns everything, and nothing beats.
     */
    readonly shared: boolean
    /**
     * Given by a store that several processes can open and one may deliver from. Keeps the others
     * from delivering until the scope is closed or the process has ended, however it ends. Fails
     * with `Unavailable`, and names the one that delivers, when another does.
     */
    readonly claim?: Effect.Effect<void, StoreError, Scope.Scope>
    /**
     * Makes `id` a member, or keeps it one, for `lease` ms from now by the store's clock.
     *
     * @returns the ids of all members at this moment, itself among them, sorted
     */
    readonly beat: (id: string, lease: number) => Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * The ids of all members at this moment, sorted. Asking makes nobody a member: for tools that
     * look at a store others deliver from.
     */
    readonly list: Effect.Effect<ReadonlyArray<string>, StoreError>
    /** The others need not wait for its lease to end. No member of this id: nothing happens. */
    readonly leave: (id: string) => Effect.Effect<void, StoreError>
  }
>()("@millrace/core/Members") {}

export interface MemoryOptions {
  /**
   * `true` lets several dispatchers of one program share a store in memory, as tests of ownership
   * do.
   */
  readonly shared?: boolean
  /** As {@link Members} has it. */
  readonly claim?: Effect.Effect<void, StoreError, Scope.Scope>
}

/**
 * Keeps them in this process's memory. For a store that only one process can deliver from, this is
 * all it takes.
 */
export const layerMemory = ({ shared = false, claim }: MemoryOptions = {}): Layer.Layer<Members> =>
  Layer.effect(
    Members,
    Effect.gen(function* () {
      const run = yield* guard
      /** When each lease ends, in ms since the epoch. */
      const leases = new Map<string, number>()
      const present = (now: number): ReadonlyArray<string> => {
        for (const [member, end] of leases) if (end <= now) leases.delete(member)
        return [...leases.keys()].sort(byText)
      }
      return Members.of({
        shared,
        ...(claim === undefined ? {} : { claim }),
        beat: (id, lease) =>
          run((clock) => {
            const now = clock.currentTimeMillisUnsafe()
            leases.set(id, now + lease)
            return Effect.succeed(present(now))
          }),
        list: run((clock) => Effect.succeed(present(clock.currentTimeMillisUnsafe()))),
        leave: (id) =>
          run(() => {
            leases.delete(id)
            return Effect.void
          }),
      })
    }),
  )
