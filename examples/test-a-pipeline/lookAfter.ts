import type { Operations } from "@millrace/core"

type Operator = Pick<Operations.Operations, "destinations" | "attempts" | "replayDeadLetters">

/** Says since when and why a destination gets nothing; `null` when it does. */
export const whyNot = async (millrace: Operator, id: string): Promise<string | null> => {
  const row = (await millrace.destinations()).find((destination) => destination.id === id)
  if (row === undefined) return "there is no such destination"
  if (row.disabled !== null) return `it is disabled: ${row.disabled.reason}`
  if (row.failingSince === null) return null
  const [last] = await millrace.attempts({ destination: id, failuresOnly: true, limit: 1 })
  return `${row.pending} events wait since ${new Date(row.failingSince).toISOString()}: ${last?.error}`
}

/** Sends what a destination has refused once more, when its receiver is mended. */
export const sendAgain = async (millrace: Operator, id: string): Promise<number> => {
  const { replayed } = await millrace.replayDeadLetters({ destination: id })
  return replayed
}
