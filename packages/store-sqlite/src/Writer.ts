import { type EventLog, GroupCommit, type Position, type StoreError } from "@millrace/core/store"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Failure } from "./errors.ts"
import type { NewestEntries } from "./NewestEntries.ts"
import { closed, toEffect } from "./outcomes.ts"
import { type Group, sizeOf } from "./packing.ts"
import type { Call, Reply } from "./protocol.ts"
import type { Thread } from "./Thread.ts"
import type { Appended } from "./tables/records.ts"

type Positions = ReadonlyArray<Position.Position>

type Asked = { readonly append: Group } | { readonly call: Call }

/** What a process may hold in memory for a disk that does not keep up, in bytes. */
const maxWaiting = 64 * 1024 * 1024

export interface WriterOptions {
  readonly thread: Thread
  /** Where entries are packed, and where they are found before those who appended them are told. */
  readonly newest: NewestEntries
  /** How long anything may take, in ms. */
  readonly patience: number
  /** What a caller's entries got: so many of a group's, from one on. */
  readonly positionsOf: (
    appended: Appended,
    from: number,
    count: number,
  ) => Effect.Effect<Positions, StoreError>
}

/**
 * What one transaction of the writing thread is: all appends that make a group, and with them every
 * call that waits, however many appends stand in front of it. A call weighs nothing, and moving a
 * cursor is not to wait for what fills the log.
 *
 * A writer begins at the end of the event loop's next turn, the second from when it is asked: where
 * many requests are on their way it is half as many again that share a commit's cost.
 *
 * A disk may hang in the middle of a sync: what waits too long for it fails, and is not written any
 * more where that had not begun.
 */
export class Writer {
  readonly #commit: GroupCommit.GroupCommit<Asked, unknown>
  readonly #options: WriterOptions

  constructor(options: WriterOptions, context: Context.Context<never>) {
    this.#options = options
    this.#commit = GroupCommit.GroupCommit.makeUnsafe(
      {
        place: "disk",
        backlog: new GroupCommit.Backlog(maxWaiting),
        turns: 2,
        patience: options.patience,
        write: (group) => this.#write(group),
      },
      context,
    )
  }

  append(entries: ReadonlyArray<EventLog.NewEntry>, now: number): Effect.Effect<Positions, StoreError> {
    let size = 0
    for (const entry of entries) size += sizeOf(entry)
    return this.#commit.ask(
      { append: { entries, now, size } },
      { entries: entries.length, bytes: size },
    ) as Effect.Effect<Positions, StoreError>
  }

  /** @param patience other than usual, in ms */
  call(call: Call, patience?: number): Effect.Effect<unknown, StoreError> {
    return this.#commit.ask({ call }, { entries: 0, bytes: 0 }, patience)
  }

  /** Fails what comes, and returns once everything asked before has been answered. */
  get close(): Effect.Effect<void> {
    return this.#commit.close(closed())
  }

  #write(group: ReadonlyArray<Asked>): Effect.Effect<ReadonlyArray<GroupCommit.Outcome<unknown>>> {
    const { newest, thread, positionsOf } = this.#options
    const appends = group.flatMap((asked) => ("append" in asked ? [asked.append] : []))
    const calls = group.flatMap((asked) => ("call" in asked ? [asked.call] : []))
    const packed = appends.length === 0 ? null : newest.pack(appends)
    return Effect.callback((resume) => {
      thread.post(
        {
          kind: "request",
          appends: packed && {
            ...packed,
            counts: Uint32Array.from(appends, ({ entries }) => entries.length),
          },
          calls,
        },
        (reply) => {
          if (packed !== null && "calls" in reply && reply.appends?.kind === "done") {
            newest.add(packed, reply.appends.value)
          }
          resume(Effect.succeed(answersOf(group, reply, positionsOf)))
        },
      )
    })
  }
}

const lost: Failure = { kind: "defect", message: "the reply does not fit the request" }

const answersOf = (
  group: ReadonlyArray<Asked>,
  reply: Reply | Failure,
  positionsOf: WriterOptions["positionsOf"],
): ReadonlyArray<GroupCommit.Outcome<unknown>> => {
  const calls = "kind" in reply ? [] : reply.calls.values()
  const called = calls[Symbol.iterator]()
  const failure = "kind" in reply ? reply : lost
  const appended = "kind" in reply ? reply : (reply.appends ?? lost)
  let end = 0
  return group.map((asked) => {
    if ("call" in asked) return toEffect(called.next().value ?? failure)
    const { length } = asked.append.entries
    end += length
    return appended.kind === "done" ? positionsOf(appended.value, end - length, length) : toEffect(appended)
  })
}
