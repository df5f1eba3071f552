import type { Status } from "../../api/rows.ts"

export interface Steps {
  readonly sent: boolean
  readonly connected: boolean
  readonly delivered: boolean
}

/** Which of the first steps are done: nobody ticks them but what has happened. */
export const stepsOf = ({ destinations, intake, store }: Status): Steps => {
  const delivered = destinations.some((row) => row.delivered > 0)
  return {
    sent: delivered || store.events > 0 || intake.stored > 0 || destinations.some(({ due }) => due > 0),
    connected: destinations.length > 0,
    delivered,
  }
}

/** Whether somebody begins: nothing has come yet, or nothing goes anywhere. */
export const isFirstRun = (status: Status): boolean => {
  const { sent, connected } = stepsOf(status)
  return !sent || !connected
}
