import type { Destination, Status } from "../../api/rows.ts"
import { stateOf } from "../../text/destinationState.ts"
import { count, plural } from "../../text/numbers.ts"

/** What is the case, in a sentence: the first that holds. */
export interface Verdict {
  readonly says: string
  /** What is known of losses; `null` when it cannot be said that there are none. */
  readonly nothingLost: string | null
}

type Ledger = Pick<Destination, "due" | "delivered" | "filtered" | "dead" | "trimmed" | "pending">

/** By how many events a ledger does not add up: each event has to be somewhere. */
export const offBy = ({ due, delivered, filtered, dead, trimmed, pending }: Ledger): number =>
  Math.abs(due - delivered - filtered - dead - trimmed - pending)

/** Which ledger does not add up, or has lost something; `null` when none has. */
export const brokenSays = (destinations: ReadonlyArray<Destination>): string | null => {
  const wrong = destinations.find((row) => offBy(row) > 0)
  if (wrong !== undefined)
    return `The ledger of ${wrong.id} is off by ${count(offBy(wrong))}: please report this.`
  const lost = destinations.find(({ trimmed }) => trimmed > 0)
  return lost === undefined
    ? null
    : `${lost.id} has lost ${plural(lost.trimmed, "event")}: the log dropped them untried.`
}

/** Requests with a wrong key in 15 minutes from which somebody should look: one happens to all. */
export const manyWrongKeys = 5

const verb = (number: number): string => (number === 1 ? "is" : "are")

/** "1 destination is failing, 2 are catching up." */
const counted = (destinations: ReadonlyArray<Destination>): string | null => {
  const states = destinations.map(stateOf)
  const failing = states.filter((state) => state === "failing" || state === "gone").length
  const behind = states.filter((state) => state === "behind").length
  const clauses = [
    [failing, "failing"],
    [behind, "catching up"],
  ] as const
  const there = clauses.filter(([number]) => number > 0)
  if (there.length === 0) return null
  return `${there
    .map(([number, word], at) =>
      at === 0
        ? `${plural(number, "destination")} ${verb(number)} ${word}`
        : `${count(number)} ${verb(number)} ${word}`,
    )
    .join(", ")}.`
}

const says = ({ destinations, intake, store }: Status): string => {
  if (store.problem !== null) return "The store does not answer. Intake answers 503."
  const known = brokenSays(destinations) ?? counted(destinations)
  if (known !== null) return known
  if (intake.wrongKeys >= manyWrongKeys) return `${plural(intake.wrongKeys, "request")} had a wrong key.`
  return "All is well."
}

export const verdictOf = (status: Status): Verdict => {
  const { destinations, store } = status
  const isWhole = store.problem === null && destinations.every((row) => offBy(row) === 0 && row.trimmed === 0)
  const all = count(destinations.length)
  return {
    says: says(status),
    nothingLost: isWhole
      ? `Nothing is lost: the ledger adds up for ${all} of ${plural(destinations.length, "destination")}.`
      : null,
  }
}
