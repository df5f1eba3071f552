import { existsSync } from "node:fs"
import { Position, type StoreHealth } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { salvageHint } from "./errors.ts"
import { logPathOf } from "./FileMarks.ts"
import type { Asked, MethodName, Outcome, Returned, TableName, WorkerOptions } from "./protocol.ts"
import { Thread } from "./Thread.ts"

/** Up to this size, in bytes, a file is looked at whole: that takes a second or two. */
const small = 64 * 1024 * 1024

/** In a larger file, how long its entries are looked at, in ms, and in one call. */
const patience = { inAll: 4_000, atOnce: 500 } as const

/** What holds no entries: it is small also where the log is large. */
const others = [
  ...["log", "generations", "cursors", "epochs", "dead_letters", "destinations", "keys", "documents"],
]

/** How many places in the log are named. */
const mostNamed = 3

/** How SQLite begins what it has found. */
const preamble = /^\*\*\* in database \w+ \*\*\*\n/

const wrong = (message: string): StoreHealth.Finding => ({ level: "wrong", message })

const note = (message: string): StoreHealth.Finding => ({ level: "note", message })

const rangeOf = ([first, last]: readonly [number, number]): string =>
  first === last ? `${first}` : `${first} to ${last}`

/**
 * Asks a thread of its own: reading all of a file holds up whoever else would ask the same thread.
 */
class Examiner {
  readonly #thread: Thread

  constructor(options: WorkerOptions) {
    this.#thread = new Thread(() => options)
  }

  /** Fails with what is wrong, in words. */
  ask<T extends TableName, M extends MethodName<T>>(
    table: T,
    method: M,
    ...parameters: Asked<T, M>
  ): Effect.Effect<Returned<T, M>, string> {
    return Effect.callback((resume) => {
      this.#thread.post(
        { kind: "request", appends: null, calls: [{ table, method, parameters }] },
        (reply) => {
          const outcome = "kind" in reply ? reply : (reply.calls[0] as Outcome<Returned<T, M>>)
          if (outcome.kind === "done") resume(Effect.succeed(outcome.value as Returned<T, M>))
          else resume(Effect.fail("message" in outcome ? outcome.message : "it does not answer"))
        },
      )
    })
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}

/** What SQLite finds in one table; where it cannot even begin, that. */
const table = (examiner: Examiner, name: string) =>
  Effect.catch(examiner.ask("examination", "table", name), () =>
    Effect.succeed([`the table ${name} cannot be read`]),
  )

/** What SQLite itself finds. */
const tables = Effect.fnUntraced(function* (examiner: Examiner) {
  const each = Effect.map(
    Effect.forEach(others, (name) => table(examiner, name)),
    (found) => found.flat(),
  )
  const isSmall = (yield* examiner.ask("examination", "size")) <= small
  const found = yield* isSmall ? Effect.catch(examiner.ask("examination", "whole"), () => each) : each
  return found.map((message) =>
    wrong(`damaged: ${message.replace(preamble, "").replaceAll("\n", ", ")}; ${salvageHint}`),
  )
})

/** From those that are pending on, and then what is kept behind them. */
const entries = Effect.fnUntraced(function* (examiner: Examiner) {
  const { tail, head } = yield* examiner.ask("examination", "extent")
  const cursors = yield* examiner.ask("cursors", "list")
  const places = cursors.flatMap(({ record }) => (record === null ? [] : [record.position]))
  const from = Math.min(head, ...places.map((position) => Position.parse(position)?.number ?? 0))
  const damaged: Array<readonly [number, number]> = []
  const until = performance.now() + patience.inAll
  let looked = 0
  for (const [start, end] of [
    [Math.max(from, tail), head],
    [tail, Math.max(from, tail)],
  ] as const) {
    for (let at = start; at < end && performance.now() < until; ) {
      const found = yield* examiner.ask("examination", "entries", at, end, patience.atOnce)
      damaged.push(...found.damaged)
      looked += found.upTo - at
      at = found.upTo
    }
  }
  const named = damaged.slice(0, mostNamed).map(rangeOf).join(", ")
  const more = damaged.length > mostNamed ? ", and more" : ""
  return [
    ...(damaged.length === 0
      ? []
      : [
          wrong(
            `damaged: entries ${named}${more} of the log cannot be read, and a destination that comes to them waits; ${salvageHint}`,
          ),
        ]),
    ...(looked < head - tail
      ? [note(`${looked} of the ${head - tail} entries kept were looked at, in ${patience.inAll} ms`)]
      : []),
  ]
})

const leftovers = (path: string): ReadonlyArray<StoreHealth.Finding> => {
  const aside = `${logPathOf(path)}-replaced`
  return existsSync(aside)
    ? [
        note(
          `${aside} is the write-ahead log of a file that another was put in the place of: to be deleted when nobody misses what it holds`,
        ),
      ]
    : []
}

/** Looks at the whole of a small file, and at as much of a large one as a person waits for. */
export const examine = (options: WorkerOptions): Effect.Effect<ReadonlyArray<StoreHealth.Finding>> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Examiner(options)),
    (examiner) =>
      Effect.gen(function* () {
        const found = yield* Effect.forEach([tables(examiner), entries(examiner)], (look) =>
          Effect.catch(look, (message) => Effect.succeed([wrong(message)])),
        )
        return [...found.flat(), ...leftovers(options.path)]
      }),
    (examiner) => Effect.promise(() => examiner.close()),
  )
