import { count, plural } from "../../text/numbers.ts"
import { day, minute, span } from "../../text/times.ts"

interface Looked {
  readonly looked: number
  readonly backTo: number | null
  readonly isAll: boolean
  readonly took: number
}

const back = (backTo: number | null): string =>
  backTo === null ? "" : `, back to ${day(backTo)} ${minute(backTo)}`

/** "Looked at 1,602,118 events, back to 18 Nov 13:43, in 1.4 s." */
export const lookedSays = ({ looked, backTo, took }: Looked): string =>
  `Looked at ${plural(looked, "event")}${back(backTo)}, in ${span(took)}.`

/** Not found is an answer, too: it says how far was looked. */
export const notFoundSays = ({ looked, backTo, isAll, took }: Looked): string =>
  isAll
    ? `All ${plural(looked, "event")} kept were looked at${back(backTo)}, in ${span(took)}. So it has never been accepted, or is older than what is kept.`
    : `${count(looked)} events were looked at${back(backTo)}, in ${span(took)}. What is older was not.`
