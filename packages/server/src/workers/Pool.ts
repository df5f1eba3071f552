import cluster from "node:cluster"
import type { Processes } from "@millrace/console/admin"
import type { Ingest } from "@millrace/core"
import { PrometheusText } from "@millrace/core/host"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Metrics from "../metrics/Metrics.ts"
import * as Balance from "./Balance.ts"
import type { Settings } from "./Protocol.ts"
import * as WorkerProcess from "./WorkerProcess.ts"

const { WorkerError } = WorkerProcess
type WorkerError = WorkerProcess.WorkerError

type ProcessOptions = WorkerProcess.ProcessOptions

/** What the rest of the server asks of workers, once there are some. */
export interface Reach {
  /** The keys of the configuration: a worker that begins goes by them, too. */
  keys: Settings["keys"]
  /** Tells them that there are other keys: it is done once they go by them. */
  tellKeys: Effect.Effect<void>
  /** Those that answer, and what they take. */
  processes: Effect.Effect<ReadonlyArray<Processes.ProcessFacts>>
}

export const nobody = (keys: Settings["keys"]): Reach => ({
  keys,
  tellKeys: Effect.void,
  processes: Effect.succeed([]),
})

export interface PoolOptions extends Pick<ProcessOptions, "program" | "onAppends"> {
  readonly workers: number
  /** What each is started with. */
  readonly settings: Omit<Settings, "worker" | "keys">
  readonly handlers: Omit<ProcessOptions["handlers"], "metrics">
  /** Gets what a worker's intake has noticed. */
  readonly onNoticed: (noticed: Ingest.Noticed) => void
  /** Gets what leads to the workers. */
  readonly reach: Reach
  /** The text of `GET /metrics`. */
  readonly metrics: (workers: () => Promise<Metrics.Workers>) => Promise<string>
}

/** One of the workers, by its number: a process, and after it the one that takes its place. */
interface Slot {
  readonly worker: number
  /** `null` until it listens. */
  running: WorkerProcess.Running | null
  /** What the process that runs has counted, as far as it has told. */
  report: Metrics.WorkerReport | null
  /** What those before it had counted. */
  past: ReadonlyArray<PrometheusText.Family>
  restarts: number
}

/** A process that has lived so long (ms) can work: what takes its place begins at once. */
const soundAfter = 10_000

/** ms before one is replaced that has ended sooner: twice as long each time. */
const firstWait = 100
const longestWait = 10_000

/** A machine under load needs seconds to start a process. */
const startWithin = "30 seconds"

/** As long as a worker that is busy may take to read the keys anew. */
const reloadWithin = "5 seconds"

/** Shorter than a scraper waits. */
const reportWithin = "1 second"

export interface Started {
  readonly port: number
  /** Asks them what they have counted. */
  readonly counted: () => Promise<Metrics.Workers>
}

/**
 * Starts worker processes that share a port, and replaces each one that ends, until the scope
 * closes: then they finish the requests they have. Returns once all of them listen.
 */
export const start = Effect.fnUntraced(function* (
  options: PoolOptions,
): Effect.fn.Return<Started, WorkerError, Scope.Scope> {
  const { workers, settings } = options
  if (!cluster.isPrimary) {
    return yield* new WorkerError({ message: "workers: this process is itself a worker of a cluster" })
  }
  const slots = Array.from(
    { length: workers },
    (_, index): Slot => ({ worker: index + 1, running: null, report: null, past: [], restarts: 0 }),
  )
  /** Where they listen, once that is known. */
  let port: number | null = null
  /** What the next one asks for: 0 takes the port that the others were given. */
  let asked = settings.port

  /** Whether it answers. */
  const refresh = (slot: Slot): Effect.Effect<boolean> => {
    const { running } = slot
    return running === null
      ? Effect.succeed(false)
      : Effect.timeout(running.channel.call("report", null), reportWithin).pipe(
          Effect.map((report) => {
            if (slot.running === running) slot.report = report
            return slot.running === running
          }),
          Effect.orElseSucceed(() => false),
        )
  }
  const counted = (): Promise<Metrics.Workers> =>
    Effect.runPromise(
      Effect.forEach(slots, refresh, { concurrency: "unbounded" }).pipe(
        Effect.map((answers) => {
          const reports = new Map<number, Metrics.WorkerReport>()
          const past = slots.map((slot) => slot.past)
          for (const [index, { worker, report }] of slots.entries()) {
            if (report === null) continue
            if (answers[index]) reports.set(worker, report)
            else past.push(report.families)
          }
          return {
            past: PrometheusText.sum(past),
            reports,
            restarts: slots.reduce((sum, { restarts }) => sum + restarts, 0),
          }
        }),
      ),
    )

  options.reach.processes = Effect.suspend(() =>
    Effect.map(Effect.forEach(slots, refresh, { concurrency: "unbounded" }), () =>
      slots.flatMap(({ worker, report, restarts }) =>
        report === null
          ? []
          : [
              {
                ...{ name: `worker ${worker}`, does: "intake", restarts, connections: report.connections },
                ...report.process,
              },
            ],
      ),
    ),
  )

  options.reach.tellKeys = Effect.suspend(() =>
    Effect.forEach(
      slots.flatMap(({ running }) => (running === null ? [] : [running])),
      // One that does not answer has ended, or will read them anew.
      ({ channel }) =>
        Effect.ignore(Effect.timeout(channel.call("reloadKeys", options.reach.keys), reloadWithin)),
      { concurrency: "unbounded", discard: true },
    ),
  )

  const share = (): number =>
    Balance.shareOf(slots.flatMap(({ report }) => (report === null ? [] : [report.connections])))

  const failed = ({ worker }: Slot, why: string): WorkerError =>
    new WorkerError({ message: `worker ${worker} did not start: ${why}` })

  /** From its start to its end. */
  const live = Effect.fnUntraced(function* (slot: Slot, started: Deferred.Deferred<number, WorkerError>) {
    const running = yield* WorkerProcess.open({
      ...options,
      handlers: {
        ...options.handlers,
        metrics: () => Effect.promise(() => options.metrics(counted)),
      },
      onReport: ({ noticed, ...report }) => {
        slot.report = report
        if (noticed !== undefined) options.onNoticed(noticed)
        return share()
      },
    })
    // With all of them gone, so is the port that 0 stands for.
    if (port !== null && slots.every((other) => other.running === null)) asked = port
    const answer = yield* running.channel
      .call("start", { ...settings, keys: options.reach.keys, port: asked, worker: slot.worker })
      .pipe(
        Effect.timeoutOrElse({
          duration: startWithin,
          orElse: () => Effect.fail(failed(slot, `it takes longer than ${startWithin}`)),
        }),
        Effect.catchTag("StoreError", ({ message }) => Effect.fail(failed(slot, message))),
      )
    if ("problem" in answer) return yield* new WorkerError({ message: answer.problem })
    port ??= answer.port
    if (answer.port !== port) return yield* failed(slot, "the port was lost")
    slot.running = running
    yield* Deferred.succeed(started, port)
    return { ...(yield* Deferred.await(running.ended)), pid: running.pid }
  }, Effect.scoped)

  const keep = Effect.fnUntraced(function* (slot: Slot, started: Deferred.Deferred<number, WorkerError>) {
    let wait = 0
    while (true) {
      const began = yield* Clock.currentTimeMillis
      const end = yield* live(slot, started).pipe(
        Effect.catchDefect((defect) => Effect.fail(failed(slot, String(defect)))),
        Effect.ensuring(
          Effect.sync(() => {
            slot.running = null
            slot.past = PrometheusText.sum([slot.past, slot.report?.families ?? []])
            slot.report = null
          }),
        ),
        Effect.result,
      )
      // The first of all ends the start instead.
      if (Result.isFailure(end) && (yield* Deferred.fail(started, end.failure))) return
      const lived = (yield* Clock.currentTimeMillis) - began
      wait = lived >= soundAfter ? 0 : Math.min(Math.max(firstWait, wait * 2), longestWait)
      slot.restarts += 1
      yield* Effect.annotateLogs(Effect.logWarning("a worker has ended: another one takes its place"), {
        worker: slot.worker,
        ...(Result.isSuccess(end) ? end.success : { reason: end.failure.message }),
        wait,
      })
      yield* Effect.sleep(wait)
    }
  })

  const pairs = yield* Effect.forEach(slots, (slot) =>
    Effect.map(Deferred.make<number, WorkerError>(), (started) => ({ slot, started })),
  )
  // One fiber, so that its end is that of all of them at once.
  yield* Effect.forEach(pairs, ({ slot, started }) => keep(slot, started), {
    concurrency: "unbounded",
    discard: true,
  }).pipe(Effect.forkScoped)
  const ports = yield* Effect.forEach(pairs, ({ started }) => Deferred.await(started))
  return { port: ports[0]!, counted }
})
