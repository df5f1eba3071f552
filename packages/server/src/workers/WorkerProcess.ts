import cluster from "node:cluster"
import { Duplex } from "node:stream"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Metrics from "../metrics/Metrics.ts"
import * as Channel from "./Channel.ts"
import { channelDescriptor, type PrimaryCalls, type WorkerCalls } from "./Protocol.ts"

/** A worker process cannot be had, or cannot take events. */
export class WorkerError extends Data.TaggedError("WorkerError")<{ readonly message: string }> {}

export interface ProcessOptions {
  /** The file that it runs. */
  readonly program: string
  /** Answers what it asks. */
  readonly handlers: Omit<Channel.Handlers<PrimaryCalls>, "report">
  readonly onAppends: (appends: ReadonlyArray<Channel.Append>) => void
  /** Gets what it has counted; returns how many connections it may keep. */
  readonly onReport: (report: Metrics.WorkerReport) => number
}

/** How a process has ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: string | null
}

export interface Running {
  readonly pid: number | undefined
  readonly channel: Channel.Channel<WorkerCalls>
  readonly ended: Deferred.Deferred<Ending>
  readonly kill: () => void
}

/** Half a second more than requests in flight have. */
const stopWithin = "3500 millis"

/** How long a process may take to go once it has nothing left to do. */
const endWithin = "500 millis"

const fork = (program: string): Effect.Effect<ReturnType<typeof cluster.fork>, WorkerError> =>
  Effect.try({
    try: () => {
      // Lets workers accept by themselves. To hand each connection over would cost the primary 0.1
      // ms, and one handed to a worker that has just died would never be heard of again. See
      // Balance.ts.
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

/**
 * Starts a process that has nothing to do yet. Closing the scope lets it finish what it does, and
 * ends it.
 */
export const open = Effect.fnUntraced(function* ({
  program,
  handlers,
  onAppends,
  onReport,
}: ProcessOptions): Effect.fn.Return<Running, WorkerError, Scope.Scope> {
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
      handlers: { ...handlers, report: (report) => Effect.sync(() => onReport(report)) },
      onAppends,
      // Without it a process is of no use.
      onClose: kill,
    })
    return { pid: worker.process.pid, channel, ended, kill }
  })

  return yield* Effect.acquireRelease(acquire, ({ channel, kill }) =>
    Effect.gen(function* () {
      const last = yield* Effect.timeout(channel.call("stop", null), stopWithin).pipe(Effect.option)
      if (Option.isSome(last)) onReport(last.value)
      channel.end()
      const ending = yield* Effect.timeoutOption(Deferred.await(ended), endWithin)
      if (Option.isSome(ending)) return
      kill()
      yield* Deferred.await(ended)
    }),
  )
})
