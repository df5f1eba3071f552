import { type Client, withClients } from "./load.ts"

/**
 * Says when requests arrive, in ms from the beginning, if they come from many clients that know
 * nothing of one another: with exponential gaps. The same seed gives the same times.
 */
export const arrivals = (perSecond: number, seconds: number, seed = 1): Float64Array => {
  const times: Array<number> = []
  const random = mulberry32(seed)
  for (let at = 0; ; ) {
    at -= (Math.log(1 - random()) / perSecond) * 1000
    if (at >= seconds * 1000) return Float64Array.from(times)
    times.push(at)
  }
}

/** Small and good enough for gaps: numbers from 0 to below 1. */
export const mulberry32 = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What sends at the times of a schedule needs of the world. */
export interface Sending {
  /** ms. */
  readonly now: () => number
  /** Calls back soon, after what has come in meanwhile. */
  readonly later: (run: () => void) => void
}

/**
 * Sends a request at each time of the schedule, or as soon as a connection is free. Resolves to how
 * long each took from the time it was due: a server that stands still is charged with all that
 * would have arrived meanwhile.
 */
export const follow = (
  clients: ReadonlyArray<Pick<Client, "send">>,
  request: Buffer,
  schedule: Float64Array,
  { now, later }: Sending,
): Promise<Float64Array> =>
  new Promise((resolve) => {
    const latencies = new Float64Array(schedule.length)
    const free = [...clients]
    const started = now()
    let begun = 0
    let ended = 0
    const step = () => {
      const elapsed = now() - started
      while (free.length > 0 && begun < schedule.length && schedule[begun]! <= elapsed) {
        const client = free.shift()!
        const place = begun
        begun += 1
        client.send(request, () => {
          latencies[place] = now() - started - schedule[place]!
          ended += 1
          free.push(client)
          if (ended === schedule.length) resolve(latencies)
        })
      }
      // Timers are a millisecond coarse, so this process turns round and round until all is sent.
      if (begun < schedule.length) later(step)
    }
    if (schedule.length === 0) resolve(latencies)
    else step()
  })

/**
 * Drives a server at a rate that does not depend on its answers. Returns latencies in ms, in the
 * order of arrival.
 */
export const openLoad = (
  port: number,
  request: Buffer,
  schedule: Float64Array,
  connections: number,
): Promise<Float64Array> =>
  withClients(port, connections, (clients) =>
    follow(clients, request, schedule, { now: () => performance.now(), later: setImmediate }),
  )
