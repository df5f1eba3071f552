/**
 * What an operator can ask of a store and of whoever runs on it: core's table of actions, and what
 * only a server knows. Those who answer and those who ask go by this one table. Over HTTP each is
 * `POST /admin/v1/PATH` with a JSON body; a failure is `{message, status}` with that status. `GET
 * /admin/v1/openapi.json` describes them all.
 */
import { Action, Actions } from "@millrace/core/host"
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import { Change } from "./Changes.ts"
import { Process } from "./processes.ts"

export const root = "/admin/v1/"

/**
 * Bodies of requests: far above any destination's configuration, and above a selection of 10,000
 * ids.
 */
export const maxRequestBytes = 1024 * 1024

/** The server that answers. */
export const Status = Schema.Struct({
  version: Schema.String,
  pid: Schema.Int,
  /** ms since the epoch. */
  startedAt: Schema.Finite,
  /** Where it takes events; `null` where a program does that has mounted it. */
  url: Schema.NullOr(Schema.String),
}).annotate({ identifier: "Status" })

export type Status = typeof Status.Type

export const Check = Schema.Struct({
  name: Schema.String,
  /** `note`: worth knowing. `wrong`: somebody has to do something. */
  level: Schema.Literals(["ok", "note", "wrong"]),
  message: Schema.String,
}).annotate({ identifier: "Check" })

export type Check = typeof Check.Type

const ofServer = {
  /** `null` when no server runs. */
  status: Action.answering({
    path: "status",
    summary: "Say which server answers; null when none runs.",
    changes: false,
    input: Action.Nothing,
    output: Schema.NullOr(Status),
    errors: [],
    takes: () => ({}),
    gives: (status) => status,
  }),

  doctor: Action.answering({
    path: "doctor",
    summary: "Look for what is wrong.",
    changes: false,
    input: Action.Nothing,
    output: Schema.Struct({ checks: Schema.Array(Check) }),
    errors: [],
    takes: () => ({}),
    gives: ({ checks }) => checks,
  }),

  processes: Action.answering({
    path: "processes/list",
    summary: "List the processes of the server that answers, and what they take.",
    changes: false,
    input: Action.Nothing,
    output: Schema.Struct({ processes: Schema.Array(Process) }),
    errors: [],
    takes: () => ({}),
    gives: ({ processes }) => processes,
  }),

  changes: Action.answering({
    path: "changes/list",
    summary: "List what operators have changed, newest first: the last 200.",
    changes: false,
    input: Action.Nothing,
    output: Schema.Struct({ changes: Schema.Array(Change) }),
    errors: [],
    takes: () => ({}),
    gives: ({ changes }) => changes,
  }),
} as const

export const actions: typeof Actions.actions & typeof ofServer = { ...Actions.actions, ...ofServer }

export type Output<Name extends keyof typeof actions> = Action.Output<(typeof actions)[Name]>

/**
 * Why an action could not be done. `status` is that of an HTTP reply; `message` is for an operator,
 * a line for each thing that is wrong.
 */
export class AdminError extends Data.TaggedError("AdminError")<{
  readonly status: number
  readonly message: string
}> {}

/** Nobody listens where the server's socket should be. */
export class NoServer extends Data.TaggedError("NoServer") {
  override get message(): string {
    return "no server runs on this store"
  }
}

/**
 * Does the actions, wherever it sits.
 *
 * @template E what besides can go wrong on the way there
 */
export interface Admin<E = never> extends Action.ServiceOf<typeof actions, AdminError | E> {}
