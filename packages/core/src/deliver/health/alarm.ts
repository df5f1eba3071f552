/** When somebody has to be woken for a destination: rarer than a line, and true when it is over. */
import { type Condition, type Failure, isCircuitOpen } from "./Condition.ts"
import type { Told } from "./telling.ts"

/** ms. What is over sooner wakes nobody. */
const patience = 5 * 60 * 1000

export interface Alarm {
  readonly isRaised: boolean
}

export const silent: Alarm = { isRaised: false }

export type AlarmNews =
  | { readonly _tag: "Raised"; readonly failure: Failure }
  | { readonly _tag: "Over"; readonly past: NonNullable<Condition["past"]> }

const isDue = (failure: Failure, told: Told, now: number): boolean =>
  told.isQuiet || isCircuitOpen(failure) || now - failure.since.monotonic >= patience

/** Whether the process that had the destination before has raised it. */
export const inherited = ({ inherited: failure }: Condition, now: number): Alarm => ({
  isRaised: failure !== null && now - failure.since.monotonic >= patience,
})

/**
 * @param told what has been told by then: who flaps is well when that has been said
 * @param now ms, on the monotonic clock
 */
export const sound = (
  alarm: Alarm,
  { failure, inherited, past }: Condition,
  told: Told,
  now: number,
): readonly [Alarm, AlarmNews | null] => {
  if (inherited !== null) return [alarm, null]
  if (failure !== null) {
    if (alarm.isRaised || !isDue(failure, told, now)) return [alarm, null]
    return [{ isRaised: true }, { _tag: "Raised", failure }]
  }
  if (!alarm.isRaised || told.isFailing || past === null) return [alarm, null]
  return [silent, { _tag: "Over", past }]
}

/** When it has to be raised though nothing happens, in ms; infinity for never. */
export const dueAt = ({ isRaised }: Alarm, { failure, inherited }: Condition): number =>
  isRaised || failure === null || inherited !== null
    ? Number.POSITIVE_INFINITY
    : failure.since.monotonic + patience
