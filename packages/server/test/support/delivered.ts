import { expect } from "vitest"
import { outcome } from "./command.ts"
import type { Load } from "./load.ts"
import { idOf, type ReceivedEvent, type ReceivedRequest, type Receiver } from "./receiver.ts"
import { tempDir } from "./resources.ts"

/** The destination that a request was for: what its path ends with. */
export const destinationOf = ({ url }: Pick<ReceivedRequest, "url">): string =>
  url.slice(url.lastIndexOf("/") + 1)

const eventsOf = ({ body }: ReceivedRequest): ReadonlyArray<ReceivedEvent> => JSON.parse(body)

/** Resolves once every destination has everything that was acknowledged. */
export const delivered = async (
  receiver: Receiver,
  load: Pick<Load, "acknowledged">,
  destinations: ReadonlyArray<string>,
): Promise<void> => {
  const missing = new Map(destinations.map((id) => [id, new Set(load.acknowledged)]))
  let looked = 0
  await receiver.until(() => {
    for (; looked < receiver.requests.length; looked++) {
      const request = receiver.requests[looked]!
      const left = missing.get(destinationOf(request))
      if (left !== undefined && request.status < 300) {
        for (const event of eventsOf(request)) left.delete(idOf(event))
      }
    }
    return [...missing.values()].every(({ size }) => size === 0)
  })
}

/** A request that brought events its destination had before. */
export interface Repetition {
  readonly destination: string
  /** The requests that had brought them last, by number. */
  readonly of: ReadonlySet<number>
  /** Its own number. */
  readonly by: number
}

/**
 * In the order of what was received. A repeated event has the `timeUUID` it had at first, and no
 * two events of a destination share one.
 */
export const repetitions = (requests: ReadonlyArray<ReceivedRequest>): ReadonlyArray<Repetition> => {
  const known = new Map<string, { readonly timeUUID: string; request: number }>()
  const found: Array<Repetition> = []
  const timeUUIDs = new Set<string>()
  for (const [by, request] of requests.entries()) {
    const destination = destinationOf(request)
    const of = new Set<number>()
    for (const event of eventsOf(request)) {
      const name = `${destination} ${idOf(event)}`
      const last = known.get(name)
      if (last === undefined) {
        known.set(name, { timeUUID: event.timeUUID, request: by })
        timeUUIDs.add(`${destination} ${event.timeUUID}`)
      } else {
        expect(event.timeUUID).toBe(last.timeUUID)
        of.add(last.request)
        last.request = by
      }
    }
    if (of.size > 0) found.push({ destination, of, by })
  }
  expect(timeUUIDs.size).toBe(known.size)
  return found
}

/**
 * The requests of one sender that came again, by number. Each is sent again directly, before
 * anything new; in more than one request when the rest of the batch was cut anew.
 */
export const sentAgain = (requests: ReadonlyArray<ReceivedRequest>): ReadonlyArray<number> => {
  const again = new Set<number>()
  let last: Repetition | undefined
  for (const repetition of repetitions(requests)) {
    const { of, by } = repetition
    const isNext =
      last?.by === by - 1 && last.of.size === of.size && [...of].every((one) => last?.of.has(one))
    if (!isNext) expect([...of]).toEqual([by - 1])
    for (const one of of) again.add(one)
    last = repetition
  }
  return [...again]
}

interface Row {
  readonly id: string
  readonly due: number
  readonly delivered: number
  readonly filtered: number
  readonly dead: number
  readonly trimmed: number
  readonly pending: number
  readonly sent: number
}

/**
 * What the store itself says when nobody delivers from it any more: everything it took was
 * delivered, and counted once.
 */
export const expectLedger = async (
  store: string,
  receiver: Receiver,
  load: Load,
  destinations: ReadonlyArray<string>,
): Promise<void> => {
  const cwd = tempDir()
  const listed = await outcome(["destinations", "list", "--store", store, "--json"], { cwd })
  expect(listed.code, listed.stderr).toBe(0)
  const rows = listed.stdout
    .trim()
    .split("\n")
    .map((line): Row => JSON.parse(line))
  expect(rows.map(({ id }) => id)).toEqual([...destinations].sort())

  const known = new Set([...load.acknowledged, ...load.refused, ...load.unanswered])
  for (const { id, due, delivered, filtered, dead, trimmed, pending, sent } of rows) {
    const requests = receiver.requests.filter((request) => destinationOf(request) === id)
    const received = new Set(requests.flatMap((request) => eventsOf(request).map(idOf)))
    expect({ delivered, filtered, dead, trimmed, pending, due }).toEqual({
      delivered: received.size,
      filtered: 0,
      dead: 0,
      trimmed: 0,
      pending: 0,
      due: received.size,
    })
    expect(sent).toBeGreaterThanOrEqual(delivered)
    // What was refused or never answered may have been stored or not; nothing else may be there.
    expect([...received].filter((event) => !known.has(event))).toEqual([])
    expect([...load.acknowledged].filter((event) => !received.has(event))).toEqual([])
  }

  const examined = await outcome(["doctor", "--store", store, "--json"], { cwd })
  expect(examined.stdout.split("\n").filter((line) => line.includes('"wrong"'))).toEqual([])
  expect(examined.code, examined.stdout + examined.stderr).toBe(0)
}
