import { statfs } from "node:fs/promises"
import { dirname } from "node:path"
import { Attempts, conditionOf, DeadLetters, EventLog, type Store, type StoreError } from "@millrace/core"
import { LaneState, Ledger, type Readiness } from "@millrace/core/host"
import { CursorName, Cursors, Destinations, Members, type Position, StoreHealth } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ByteText from "../text/ByteText.ts"
import * as TimeText from "../text/TimeText.ts"
import type { Check, Status } from "./AdminApi.ts"

export interface Patient {
  readonly store: Context.Context<Store.Store>
  /** The file the store is in; `null` when it is in none. */
  readonly path: string | null
  readonly status: Status | null
  /** How the server is; `null` when none runs. */
  readonly readiness: (() => Promise<Readiness.Readiness>) | null
  /** Whether a process without an admin socket has the file open. */
  readonly isEmbedded: boolean
  /** The level that acknowledged events have to be safe at; `null` when the store's own will do. */
  readonly ack: EventLog.Durability | null
}

const ok = (name: string, message: string): Check => ({ name, level: "ok", message })
const note = (name: string, message: string): Check => ({ name, level: "note", message })
const wrong = (name: string, message: string): Check => ({ name, level: "wrong", message })

const megabyte = 1024 * 1024

const events = (count: number): string => `${count} event${count === 1 ? "" : "s"}`

const entries = (count: number): string => `${count} ${count === 1 ? "entry" : "entries"}`

const server = ({ status, isEmbedded }: Patient, members: number, now: number): Check => {
  if (members > 0)
    return ok("server", `${members} ${members === 1 ? "process delivers" : "processes deliver"}`)
  if (status === null) {
    return isEmbedded
      ? ok("server", "a process without an admin socket has the file open: a program that mounts the library")
      : note("server", "none runs on this store")
  }
  const { url } = status
  return ok(
    "server",
    `millrace ${status.version} ${url === null ? "in a program" : `at ${url}`}, process ${status.pid}, started ${TimeText.ago(status.startedAt, now)}`,
  )
}

/** What the server itself finds, as `GET /readyz` does. */
const ready = ({ readiness }: Patient): Effect.Effect<ReadonlyArray<Check>> =>
  readiness === null
    ? Effect.succeed([])
    : Effect.map(Effect.promise(readiness), (found) => [
        found === null ? ok("ready", "yes") : wrong("ready", `no: ${found.problem}: ${found.detail}`),
      ])

/** What `engines` asks for. */
const leastNode = [20, 19] as const

const node = (version: string): Check => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const isNew = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1])
  return isNew ? ok("node", version) : wrong("node", `${version}: ${leastNode.join(".")} is needed at least`)
}

/** A busy day's log fits into it. */
const littleSpace = 1024 * megabyte

const space = (path: string | null): Effect.Effect<ReadonlyArray<Check>> =>
  path === null
    ? Effect.succeed([])
    : Effect.tryPromise(() => statfs(dirname(path))).pipe(
        Effect.map(({ bavail, bsize }) => {
          const free = bavail * bsize
          const message = `${ByteText.format(free)} free on the disk`
          // Whether it is too little, the store knows.
          return [free < littleSpace ? note("space", message) : ok("space", message)]
        }),
        Effect.orElseSucceed(() => [note("space", "the disk does not tell")]),
      )

interface Ports {
  readonly log: EventLog.EventLog["Service"]
  readonly cursors: Cursors.Cursors["Service"]
  readonly destinations: Destinations.Destinations["Service"]
  readonly deadLetters: DeadLetters.DeadLetters["Service"]
  readonly attempts: Attempts.Attempts["Service"]
  readonly members: Members.Members["Service"]
  readonly health: StoreHealth.StoreHealth["Service"]
}

/** Tries what the server vouches for: that an append succeeds, at the level that is demanded. */
const store = ({ log, health }: Ports, ack: Patient["ack"]): Effect.Effect<ReadonlyArray<Check>> => {
  const problem = ack === null ? null : EventLog.levelProblem(log, ack)
  return Effect.match(problem === null ? health.probe : Effect.fail(problem), {
    onSuccess: () => {
      const safe = `acknowledged events are safe at level "${log.durability}"`
      return [log.durability === "memory" ? note("store", safe) : ok("store", `takes events; ${safe}`)]
    },
    onFailure: ({ reason, message }) => [
      wrong("store", `takes no events: it is ${conditionOf(reason)}: ${message}`),
    ],
  })
}

const findings = ({ health }: Ports): Effect.Effect<ReadonlyArray<Check>, StoreError> =>
  Effect.map(health.examine, (found) => found.map((finding) => ({ name: "store", ...finding })))

const contents = Effect.fnUntraced(function* ({ log }: Ports, now: number) {
  const checks: Array<Check> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const { tail, head, bytes: kept, oldestAt } = yield* log.bounds(partition)
    const all = yield* log.stats(partition, head)
    const gone = yield* log.stats(partition, tail)
    const count = `${events(all.events - gone.events)} in ${entries(all.entries - gone.entries)}`
    const oldest = oldestAt === null ? "" : `, the oldest ${TimeText.ago(oldestAt, now)}`
    checks.push(ok("log", `${count}, ${ByteText.format(kept)}${oldest}`))
  }
  return checks
})

/** Clocks of machines differ by less. */
const clockTolerance = 60_000

const clock = Effect.fnUntraced(function* ({ log }: Ports, now: number) {
  for (let partition = 0; partition < log.partitions; partition++) {
    const { head } = yield* log.bounds(partition)
    const position = yield* log.locate(partition, now + clockTolerance)
    const [early] =
      position < head ? yield* log.read(partition, position, { maxEntries: 1, maxBytes: 1 }) : []
    if (early === undefined) continue
    const ahead = TimeText.duration(early.appendedAt - now)
    return [wrong("clock", `events were stored ${ahead} from now: the clock has been put back`)]
  }
  return [ok("clock", TimeText.format(now))]
})

const ledgerOf = (row: Ledger.DestinationStatus): ReadonlyArray<Check> => {
  const { id, due, delivered, filtered, dead, trimmed, pending, sent } = row
  if (Ledger.addsUp(row)) return []
  const sum = delivered + filtered + dead + trimmed + pending
  const parts = `delivered ${delivered} + filtered ${filtered} + dead ${dead} + trimmed ${trimmed} + pending ${pending} = ${sum}`
  const difference = due > sum ? `${events(due - sum)} unaccounted for` : `${events(sum - due)} too many`
  return [
    ...(due === sum ? [] : [wrong("ledger", `${id}: due ${due}, but ${parts}: ${difference}`)]),
    ...(sent >= delivered ? [] : [wrong("ledger", `${id}: delivered ${delivered}, but sent only ${sent}`)]),
  ]
}

const ledger = (rows: ReadonlyArray<Ledger.DestinationStatus>): ReadonlyArray<Check> => {
  const found = rows.flatMap(ledgerOf)
  return found.length > 0
    ? found
    : [ok("ledger", `adds up for ${rows.length} of ${rows.length} destinations`)]
}

/** As much as is read at once to be delivered. */
const nextPage = { maxEntries: 256, maxBytes: megabyte }

/** Tries what a destination gets next. Returns why it cannot be read, and so does not go out. */
const unreadable = (
  log: EventLog.EventLog["Service"],
  partition: number,
  after: Position.Position,
): Effect.Effect<string | null> =>
  Effect.match(log.read(partition, after, nextPage), {
    onSuccess: () => null,
    onFailure: ({ reason, message }) =>
      reason._tag === "OutOfRange" ? null : `it is ${conditionOf(reason)}: ${message}`,
  })

const cursors = Effect.fnUntraced(function* ({ log, cursors }: Ports) {
  const found: Array<Check> = []
  /** What came of reading on from each place: most destinations stand at the same one. */
  const read = new Map<string, string | null>()
  const all = yield* cursors.list
  for (const { name, record } of all) {
    const parsed = CursorName.parseCursorName(name)
    if (parsed === null || parsed.partition >= log.partitions) {
      found.push(wrong("cursors", `${name}: belongs to no partition of this log`))
      continue
    }
    // Made, and not yet saved.
    if (record === null) continue
    if ((yield* Effect.option(LaneState.read(record, parsed.destination)))._tag === "None") {
      found.push(wrong("cursors", `${name}: was written by another version, or is damaged`))
    }
    const { tail, head } = yield* log.bounds(parsed.partition)
    if (record.position > head) found.push(wrong("cursors", `${name}: lies beyond the log's end`))
    else if (record.position < tail) {
      found.push(
        note(
          "cursors",
          `${name}: lies before the log's beginning: what was dropped in between is lost to it`,
        ),
      )
    } else {
      const place = `${parsed.partition} ${record.position}`
      let problem = read.get(place)
      if (problem === undefined) {
        problem = yield* unreadable(log, parsed.partition, record.position)
        read.set(place, problem)
      }
      if (problem !== null) {
        found.push(wrong("cursors", `${name}: what comes next cannot be read: ${problem}`))
      }
    }
  }
  return found.length > 0 ? found : [ok("cursors", `${all.length} inside the log`)]
})

/** ms: a restart, a batch that waits to be filled and a clock that is behind take less. */
const movesWithin = 10 * 60_000

/** ms after which what is set up wrongly is nobody's passing mistake any more. */
const setUpWithin = 60 * 60_000

/** What is known of a destination beside its row. */
interface Circumstances {
  readonly now: number
  /** Whether anybody delivers from the store. */
  readonly isServed: boolean
  /** When the oldest event that is pending was stored, by destination. */
  readonly oldest: ReadonlyMap<string, number>
  /** The newest failure of a destination that fails. */
  readonly failures: ReadonlyMap<string, Attempts.Attempt>
}

/** Why nothing moves, where nothing fails either. */
const stuck = (
  { id, pending }: Ledger.DestinationStatus,
  { now, isServed, oldest }: Circumstances,
): ReadonlyArray<Check> => {
  if (pending <= 0) return []
  if (!isServed) return [wrong("destination", `${id}: ${events(pending)} pending, and nobody delivers`)]
  const waited = now - (oldest.get(id) ?? now)
  if (waited < movesWithin) return []
  const message = `${id}: ${events(pending)} pending, the oldest for ${TimeText.duration(waited)}, though nothing fails`
  return [waited < setUpWithin ? note("destination", message) : wrong("destination", message)]
}

const destinationOf = (row: Ledger.DestinationStatus, circumstances: Circumstances): ReadonlyArray<Check> => {
  const { now, failures: newest } = circumstances
  const { id, disabled, failingSince, failures, circuit, pending } = row
  const waiting = `${events(pending)} pending`
  if (disabled !== null) {
    const since = `disabled ${TimeText.ago(disabled.at, now)}`
    switch (disabled.reason) {
      case "gone":
        return [wrong("destination", `${id}: ${since}, since it answered 410; ${waiting}`)]
      case "by-hand":
        return [note("destination", `${id}: ${since} by hand; ${waiting}`)]
      case "unconfigured":
        return [note("destination", `${id}: ${since}, since it is no longer configured; ${waiting}`)]
    }
  }
  if (failingSince === null) return stuck(row, circumstances)
  const last = newest.get(id)
  const isSetUpWrongly = last?.outcome === "misconfigured"
  const answer = last === undefined || last.status === null ? "" : ` (last answered ${last.status})`
  const why = isSetUpWrongly ? `set up wrongly${answer}` : `failing${answer}`
  const message = `${id}: ${why} for ${TimeText.duration(now - failingSince)}, ${failures} times in a row; ${waiting}`
  const isWrong = circuit !== "closed" || (isSetUpWrongly && now - failingSince >= setUpWithin)
  return [isWrong ? wrong("destination", message) : note("destination", message)]
}

const destinations = Effect.fnUntraced(function* (
  ports: Ports,
  rows: ReadonlyArray<Ledger.DestinationStatus>,
  isServed: boolean,
  now: number,
): Effect.fn.Return<ReadonlyArray<Check>, StoreError> {
  const newest = new Map<string, Attempts.Attempt>()
  for (const { id, failingSince } of rows) {
    if (failingSince === null) continue
    const [last] = yield* ports.attempts.list({ destination: id, failuresOnly: true, limit: 1 })
    if (last !== undefined) newest.set(id, last)
  }
  const oldest = yield* Ledger.oldestPending(ports)
  const found = rows.flatMap((row) => destinationOf(row, { now, isServed, oldest, failures: newest }))
  if (rows.length === 0) return [note("destination", "none: events are kept, and go nowhere")]
  return found.length > 0 ? found : [ok("destination", `${rows.length} of ${rows.length} take events`)]
})

const letters = (counts: ReadonlyMap<string, number>): ReadonlyArray<Check> =>
  counts.size === 0
    ? [ok("dead letters", "none")]
    : [...counts].map(([destination, count]) => note("dead letters", `${destination}: ${count}`))

/**
 * Looks at everything that can go wrong without anybody noticing. Never fails: that the store does
 * not answer is something wrong, too.
 */
export const examine = Effect.fnUntraced(function* (
  patient: Patient,
): Effect.fn.Return<ReadonlyArray<Check>> {
  const { store: context, path, status, isEmbedded, ack } = patient
  const now = yield* Clock.currentTimeMillis
  const ports: Ports = {
    log: Context.get(context, EventLog.EventLog),
    cursors: Context.get(context, Cursors.Cursors),
    destinations: Context.get(context, Destinations.Destinations),
    deadLetters: Context.get(context, DeadLetters.DeadLetters),
    attempts: Context.get(context, Attempts.Attempts),
    members: Context.get(context, Members.Members),
    health: Context.get(context, StoreHealth.StoreHealth),
  }
  /** Each by itself: what one cannot find out, another can. */
  const look = (
    name: string,
    checks: Effect.Effect<ReadonlyArray<Check>, StoreError>,
  ): Effect.Effect<ReadonlyArray<Check>> =>
    Effect.catch(checks, ({ message }) => Effect.succeed([wrong(name, message)]))

  const rows = Ledger.read(ports)
  return [
    ...(yield* look(
      "server",
      Effect.map(ports.members.list, ({ length }) => [server(patient, length, now)]),
    )),
    ...(yield* ready(patient)),
    ...(yield* store(ports, ack)),
    ...(yield* look("store", findings(ports))),
    ...(yield* look("log", contents(ports, now))),
    ...(yield* space(path)),
    ...(yield* look("cursors", cursors(ports))),
    ...(yield* look("ledger", Effect.map(rows, ledger))),
    ...(yield* look(
      "destination",
      Effect.gen(function* () {
        const { length } = yield* ports.members.list
        const isServed = status !== null || isEmbedded || length > 0
        return yield* destinations(ports, yield* rows, isServed, now)
      }),
    )),
    ...(yield* look("dead letters", Effect.map(ports.deadLetters.count, letters))),
    ...(yield* look("clock", clock(ports, now))),
    node(process.versions.node),
  ]
})
