import type { Operations } from "@millrace/core"

/** Resolves with the event's id once it is stored, which is what a 202 says. */
export const placeOrder = (millrace: Pick<Operations.Operations, "logEvent">, buyer: string, total: number) =>
  millrace.logEvent({ event: "order_placed", user: { userID: buyer }, value: total })
