import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { hash32Text } from "../../base/hash32.ts"
import type { OptionProblem } from "../../base/InvalidOptions.ts"
import { isObject, parse } from "../../base/json.ts"
import { logMessages } from "../../base/Telemetry.ts"
import { parseCursorName } from "../../ports/CursorName.ts"
import type { Cursors } from "../../ports/Cursors.ts"
import type { DestinationRecord, Destinations, Disabled, SelectionNote } from "../../ports/Destinations.ts"
import * as Destination from "../../select/Destination.ts"

type Records = Destinations["Service"]

/** Names what decides which events pass. Code cannot be read: only that it is there counts. */
const digestOf = ({ filter, exposures, predicate }: Destination.Selection): string =>
  hash32Text(JSON.stringify([filter, exposures, predicate !== undefined]))

/** What a record is to say of a selection that holds from now on, and did not have to before. */
const noted = (
  selection: Destination.Selection,
  before: SelectionNote | undefined,
  now: number,
): SelectionNote => {
  const digest = digestOf(selection)
  return before?.digest === digest ? before : { digest, since: before === undefined ? null : now }
}

/**
 * Makes the store's list agree with the configuration: new ones are noted, those no longer
 * configured are disabled, their cursor kept.
 */
export const agree = Effect.fnUntraced(function* (
  records: Records,
  configured: ReadonlyArray<Destination.Destination>,
) {
  const now = yield* Clock.currentTimeMillis
  const known = new Map((yield* records.list).map((record) => [record.id, record]))
  for (const destination of configured) {
    const { id } = destination
    const record = known.get(id) ?? { id, config: null, disabled: null, createdAt: now }
    const isBack = record.disabled?.reason === "unconfigured"
    const selection = noted(destination, record.selection, now)
    if (!known.delete(id) || isBack || selection !== record.selection) {
      yield* records.put({ ...record, disabled: isBack ? null : record.disabled, selection })
    }
  }
  for (const record of known.values()) {
    if (record.config === null && record.disabled === null) {
      yield* records.put({ ...record, disabled: { at: now, reason: "unconfigured" } })
      yield* Effect.logWarning(logMessages.destinationUnconfigured).pipe(
        Effect.annotateLogs({ destination: record.id }),
      )
    }
  }
})

const change = Effect.fnUntraced(function* (
  records: Records,
  id: string,
  changed: Partial<DestinationRecord>,
) {
  const now = yield* Clock.currentTimeMillis
  const record = (yield* records.get(id)) ?? { id, config: null, disabled: null, createdAt: now }
  yield* records.put({ ...record, ...changed })
})

export const setDisabled = (records: Records, id: string, disabled: Disabled | null) =>
  change(records, id, { disabled })

/**
 * Keeps the configuration of a destination, so that it outlives the process.
 *
 * @param destination the same, decoded
 * @param changed what is another besides
 */
export const keep = Effect.fnUntraced(function* (
  records: Records,
  { id, ...options }: Destination.DestinationOptions,
  destination: Destination.Destination,
  changed: Pick<Partial<DestinationRecord>, "disabled"> = {},
) {
  const now = yield* Clock.currentTimeMillis
  const before = yield* records.get(id)
  const selection = noted(destination, before?.selection, now)
  yield* change(records, id, { config: JSON.stringify({ id, ...options }), selection, ...changed })
})

/** Forgets where a destination stands, replays included. */
const removePlaces = Effect.fnUntraced(function* (cursors: Cursors["Service"], id: string) {
  for (const { name } of yield* cursors.list) {
    if (parseCursorName(name)?.destination === id) yield* cursors.remove(name)
  }
})

/**
 * Forgets a destination and its places, also those that whoever runs it may have begun anew before
 * it was gone.
 */
export const remove = Effect.fnUntraced(function* (
  ports: { readonly destinations: Records; readonly cursors: Cursors["Service"] },
  id: string,
) {
  yield* removePlaces(ports.cursors, id)
  yield* ports.destinations.remove(id)
  yield* removePlaces(ports.cursors, id)
})

/** What is wrong with an id that another destination has. */
export const idTaken = { path: "id", message: "there is a destination of this id already" } as const

/** What cannot be kept as text. */
export const keepProblems = (options: Destination.DestinationOptions): ReadonlyArray<OptionProblem> =>
  (["predicate", "transform"] as const).flatMap((path) =>
    typeof options[path] === "function"
      ? [{ path, message: "code cannot be kept: give it with the options" }]
      : [],
  )

export const damaged: OptionProblem = { path: "config", message: "is damaged" }

/** The destination that {@link keep} has kept. */
export const read = (
  config: string,
  hashKey: Uint8Array | undefined,
  schemes: ReadonlyArray<string>,
): Result.Result<Destination.Destination, ReadonlyArray<OptionProblem>> => {
  const json = parse(config)
  return isObject(json)
    ? Destination.decode(json as unknown as Destination.DestinationOptions, hashKey, schemes)
    : Result.fail([damaged])
}
