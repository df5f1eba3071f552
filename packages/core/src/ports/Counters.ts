import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { byText, guard } from "./memory/memoryPort.ts"
import type { StoreError } from "./StoreError.ts"

/** How often an event name was accepted in one hour. */
export interface HourlyCount {
  /** The hour's beginning in ms since the epoch. */
  readonly hour: number
  readonly eventName: string
  readonly count: number
}

export const limits = {
  /**
   * Names are the sender's to choose: past this number in an hour, further names are counted under
   * {@link otherNames}.
   */
  maxNamesPerHour: 10_000,
  /** A month and the days it takes to notice. Past it, an hour goes when a new one begins. */
  maxAge: 35 * 24 * 60 * 60 * 1000,
  /**
   * What the names of all hours may take in this process's memory, where they are kept there: a
   * month of a site with 400 names. Past it, the names of the oldest hours are counted together,
   * under {@link otherNames}.
   */
  maxBytesInMemory: 32 * 1024 * 1024,
}

export const otherNames = "(other)"

/** Event names by hour: what the dialog of event filters shows as "Volume (Last Day)". */
export class Counters extends Context.Service<
  Counters,
  {
    /** Adds to what is there. */
    readonly add: (counts: ReadonlyArray<HourlyCount>) => Effect.Effect<void, StoreError>
    /** Those with `from <= hour < to`, by hour, then name. */
    readonly list: (from: number, to: number) => Effect.Effect<ReadonlyArray<HourlyCount>, StoreError>
  }
>()("@millrace/core/Counters") {}

/** About what a name and its count take in a `Map`, besides the letters. */
const bytesBesideName = 48

const sizeOf = (eventName: string): number => bytesBesideName + eventName.length * 2

/** Keeps them in this process's memory. */
export const layerMemory = (): Layer.Layer<Counters> =>
  Layer.effect(
    Counters,
    Effect.gen(function* () {
      const run = yield* guard
      const hours = new Map<number, Map<string, number>>()
      let bytes = 0

      const forget = (hour: number): number => {
        let count = 0
        for (const [name, times] of hours.get(hour) ?? []) {
          bytes -= sizeOf(name)
          count += times
        }
        hours.delete(hour)
        return count
      }

      /**
       * Counts the names of the oldest hours together, as long as there are too many; says whether
       * there is room then.
       */
      const makeRoom = (needed: number, wanted: number): boolean => {
        if (bytes + needed <= limits.maxBytesInMemory) return true
        for (const hour of [...hours.keys()].sort((a, b) => a - b)) {
          if (hour === wanted || hours.get(hour)!.size < 2) continue
          hours.set(hour, new Map([[otherNames, forget(hour)]]))
          bytes += sizeOf(otherNames)
          if (bytes + needed <= limits.maxBytesInMemory) return true
        }
        return false
      }

      const namesOf = (hour: number, now: number): Map<string, number> => {
        const known = hours.get(hour)
        if (known !== undefined) return known
        for (const old of hours.keys()) {
          if (old < now - limits.maxAge) forget(old)
        }
        const names = new Map<string, number>()
        hours.set(hour, names)
        return names
      }

      return Counters.of({
        add: (counts) =>
          run((clock) => {
            const now = clock.currentTimeMillisUnsafe()
            for (const { hour, eventName, count } of counts) {
              if (hour < now - limits.maxAge) continue
              const names = namesOf(hour, now)
              const isCounted =
                names.has(eventName) ||
                (names.size < limits.maxNamesPerHour && makeRoom(sizeOf(eventName), hour))
              const name = isCounted ? eventName : otherNames
              if (!names.has(name)) bytes += sizeOf(name)
              names.set(name, (names.get(name) ?? 0) + count)
            }
            return Effect.void
          }),
        list: (from, to) =>
          run(() => {
            const counts: Array<HourlyCount> = []
            for (const [hour, names] of hours) {
              if (hour < from || hour >= to) continue
              for (const [eventName, count] of names) counts.push({ hour, eventName, count })
            }
            return Effect.succeed(counts.sort((a, b) => a.hour - b.hour || byText(a.eventName, b.eventName)))
          }),
      })
    }),
  )
