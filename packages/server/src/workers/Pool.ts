import cluster from "node:cluster"
import { Duplex } from "node:stream"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Metrics from "../Metrics.ts"
import * as Prometheus from "../Prometheus.ts"
import * as Balance from "./Balance.ts"
import * as Channel from "./Channel.ts"
import { channelDescriptor, type PrimaryCalls, type Settings, type WorkerCalls } from "./Protocol.ts"

/** A worker process cannot be had, or cannot take events. */
export class WorkerError extends Data.TaggedError("WorkerError")<{ readonly message: string }> {}

export interface PoolOptions {
  readonly workers: number
  /** The file that a worker runs. */
  readonly program: string
  /** What each is started with. */
  readonly settings: Omit<Settings, "worker">
  /** Answers what workers ask. */
  readonly handlers: Omit<Channel.Handlers<PrimaryCalls>, "report" | "metrics">
  /** The text of `GET /metrics`. */
  readonly metrics: (workers: () => Promise<Metrics.Workers>) => Promise<string>
  readonly onAppends: (appends: ReadonlyArray<Channel.Append>) => void
}

/** How a process has ended. */
interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

interface Running {
  readonly pid: number | undefined
  readonly channel: Channel.Channel<WorkerCalls>
  readonly ended: Deferred.Deferred<Ending>
  readonly kill: () => void
}

/** One of the workers, by its number: a process, and after it the one that takes its place. */
interface Slot {
  readonly worker: number
  /** `null` until it listens. */
  running: Running | null
  /** What the process that runs has counted, as far as it has told. */
  report: Metrics.WorkerReport | null
  /** What those before it had counted. */
  past: ReadonlyArray<Prometheus.Family>
  restarts: number
}

/** A process that has lived so long (ms) can work: what takes its place begins at once. */
const soundAfter = 10_000

/** ms before one is replaced that has ended sooner: twice as long each time. */
const firstWait = 100
const longestWait = 10_000

/** A machine under load needs seconds to start a process. */
const startWithin = "30 seconds"

/** Half a second more than requests in flight have. */
const stopWithin = "3500 millis"

/** How long a process may take to go once it has nothing left to do. */
const endWithin = "500 millis"

/** Shorter than a scraper waits. */
const reportWithin = "1 second"

const fork = (program: string): Effect.Effect<ReturnType<typeof cluster.fork>, WorkerError> =>
  Effect.try({
    try: () => {
      // Handing each connection over costs the primary 0.1 ms, and one handed to a worker that has just died is never heard of again. See Balance.ts.
      cluster.schedulingPolicy = cluster.SCHED_NONE
      cluster.setupPrimary({
        exec: program,
        args: [],
        stdio: ["ignore", "inherit", "inherit", "ipc", "pipe"],
      })
      return cluster.fork()
    },
    catch: (error) => new WorkerError({ message: `a worker cannot be started: ${String(error)}` }),
  })

/** Starts a process, without anything to do yet. Closing the scope lets it finish what it does, and ends it. */
const open = Effect.fnUntraced(function* (
  slot: Slot,
  { program, handlers, metrics, onAppends }: PoolOptions,
  counted: () => Promise<Metrics.Workers>,
  share: () => number,
): Effect.fn.Return<Running, WorkerError, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const ended = yield* Deferred.make<Ending>()

  const acquire = Effect.gen(function* () {
    const worker = yield* fork(program)
    const stream = worker.process.stdio?.[channelDescriptor]
    const end = (ending: Ending): void => {
      Deferred.doneUnsafe(ended, Effect.succeed(ending))
    }
    worker.once("exit", (code: number | null, signal: string | null) => end({ code, signal }))
    worker.on("error", (error) => end({ code: null, signal: String(error) }))
    const kill = (): void => void worker.process.kill("SIGKILL")
    if (!(stream instanceof Duplex)) {
      kill()
      return yield* new WorkerError({ message: "a worker cannot be started: there is no channel to it" })
    }
    const channel = Channel.make<PrimaryCalls, WorkerCalls>(stream, {
      context,
      handlers: {
        ...handlers,
        metrics: () => Effect.promise(() => metrics(counted)),
        report: (report) =>
          Effect.sync(() => {
            slot.report = report
            return share()
          }),
      },
      onAppends,
      // Without it a process is of no use.
      onClose: kill,
    })
    return { pid: worker.process.pid, channel, ended, kill }
  })

  return yield* Effect.acquireRelease(acquire, ({ channel, kill }) =>
    Effect.gen(function* () {
      const last = yield* Effect.timeout(channel.call("stop", null), stopWithin).pipe(Effect.option)
      if (Option.isSome(last)) slot.report = last.value
      channel.end()
      const ending = yield* Effect.timeoutOption(Deferred.await(ended), endWithin)
      if (Option.isSome(ending)) return
      kill()
      yield* Deferred.await(ended)
    }),
  )
})

/**
 * Worker processes that share a port, each replaced when it ends, until the scope is closed: then they finish the requests they have. Returns the port once all of
 * them listen.
 */
export const start = Effect.fnUntraced(function* (
  options: PoolOptions,
): Effect.fn.Return<number, WorkerError, Scope.Scope> {
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
            past: Prometheus.sum(past),
            reports,
            restarts: slots.reduce((sum, { restarts }) => sum + restarts, 0),
          }
        }),
      ),
    )

  const share = (): number =>
    Balance.shareOf(slots.flatMap(({ report }) => (report === null ? [] : [report.connections])))

  const failed = ({ worker }: Slot, why: string): WorkerError =>
    new WorkerError({ message: `worker ${worker} did not start: ${why}` })

  /** From its start to its end. */
  const live = Effect.fnUntraced(function* (slot: Slot, started: Deferred.Deferred<number, WorkerError>) {
    const running = yield* open(slot, options, counted, share)
    // With all of them gone, so is the port that 0 stands for.
    if (port !== null && slots.every((other) => other.running === null)) asked = port
    const answer = yield* running.channel
      .call("start", { ...settings, port: asked, worker: slot.worker })
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
            slot.past = Prometheus.sum([slot.past, slot.report?.families ?? []])
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
  return ports[0]!
})
