import { adminToken } from "../../support/hosts.ts"
import { type Sent, send } from "./console.ts"
import type { Receiver } from "./receiver.ts"

/** Several of one name. */
export const times = (number: number, eventName: string): ReadonlyArray<Sent> =>
  Array.from({ length: number }, () => ({ eventName }))

/** A destination that is sent everything soon, and tried again soon. */
export const soon = { batch: { maxEvents: 100, maxDelay: 10 }, retry: { first: 10, max: 20 } } as const

/** Does an action as the commands do it. */
export const act = async (origin: string, path: string, input: unknown): Promise<unknown> => {
  const response = await fetch(`${origin}/console/admin/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${adminToken}` },
    body: JSON.stringify(input),
  })
  if (!response.ok) throw new Error(`${path} was answered ${response.status}: ${await response.text()}`)
  return response.json()
}

/** Refuses each request that has an event of this name in it, with what it says. */
export const refusing = (receiver: Receiver, name: string, body: string): void => {
  receiver.answer = ({ events }) =>
    events.some(({ eventName }) => eventName === name) ? { status: 422, body } : { status: 200 }
}

/** Sends what intake refuses: an event without a name, and a request with a wrong key. */
export const sendWrongly = async (origin: string, wrongKey = "secret-of-nobody"): Promise<void> => {
  await send(origin, [{ eventName: "" }, { eventName: "page_view" }])
  await fetch(`${origin}/v1/log_event`, {
    method: "POST",
    headers: { "content-type": "application/json", "statsig-api-key": wrongKey },
    body: JSON.stringify({ events: [{ eventName: "page_view" }] }),
  })
}
