import { expect } from "vitest"
import type { Server } from "./command.ts"
import { delivered, expectLedger, sentAgain } from "./delivered.ts"
import { changesNoted } from "./fleet.ts"
import type { Load } from "./load.ts"
import { stop } from "./pipeline.ts"
import type { Receiver } from "./receiver.ts"

interface Ending {
  readonly store: string
  readonly server: Server
  readonly load: Load
  /** Ends when the load has been stopped. */
  readonly sending: Promise<unknown>
  readonly receiver: Receiver
}

/**
 * Ends a test of one server and one destination: everything that was acknowledged has been
 * delivered, and the ledger adds up. Returns the requests that were sent again.
 */
export const endedWell = async ({
  store,
  server,
  load,
  sending,
  receiver,
}: Ending): Promise<ReadonlyArray<number>> => {
  load.stop()
  await sending
  await delivered(receiver, load, ["receiver"])
  await stop(server)
  expect(load.unanswered).toEqual(new Set())
  // Only what it could not note that it had sent, when its lease ended before the store was back.
  const repeated = sentAgain(receiver.requests)
  expect(repeated.length).toBeLessThanOrEqual(changesNoted({ server }) - 1)
  await expectLedger(store, receiver, load, ["receiver"])
  return repeated
}
