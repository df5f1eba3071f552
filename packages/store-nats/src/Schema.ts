import type { StoreError } from "@millrace/core/store"
import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream"
import * as Effect from "effect/Effect"
import type { Connection } from "./Connection.ts"
import { corrupt, incompatible, isStreamNotFound, unavailable } from "./errors.ts"
import type { Settings } from "./Options.ts"
import { Stream } from "./Stream.ts"
import { Table } from "./Table.ts"

/** Raised when what stands in the streams changes its form. */
const version = 1

/**
 * How many attempts' messages are kept of each destination and kind: one holds at least one
 * attempt.
 */
const attemptMessages = 10_000

export interface Names {
  readonly prefix: string
  /** The key-value bucket of everything small. */
  readonly bucket: string
  readonly letters: string
  readonly attempts: string
  /** Room that is given back when the servers have none left. */
  readonly reserve: string
  readonly log: (partition: number) => string
}

export const namesOf = (prefix: string): Names => ({
  prefix,
  bucket: `KV_${prefix}`,
  letters: `${prefix}_LETTERS`,
  attempts: `${prefix}_ATTEMPTS`,
  reserve: `${prefix}_RESERVE`,
  log: (partition) => `${prefix}_LOG_${partition}`,
})

export const subjectsOf = (prefix: string) => ({
  letters: `${prefix}.letters`,
  attempts: `${prefix}.attempts`,
  reserve: `${prefix}.reserve`,
  log: (partition: number): string => `${prefix}.log.${partition}`,
  /** Not stored: a number that has been appended, for those who wait. */
  wake: (partition: number | "*"): string => `${prefix}.wake.${partition}`,
  table: (name: string): string => `$KV.${prefix}.${name}`,
})

export interface Layout {
  readonly partitions: number
  readonly replicas: number
  readonly storage: "file" | "memory"
}

type Shape = Pick<StreamConfig, "name" | "subjects"> & Partial<StreamConfig>

const shapesOf = (names: Names, partitions: number): ReadonlyArray<Shape> => {
  const subjects = subjectsOf(names.prefix)
  return [
    {
      name: names.bucket,
      subjects: [`$KV.${names.prefix}.>`],
      max_msgs_per_subject: 1,
      allow_rollup_hdrs: true,
    },
    { name: names.letters, subjects: [subjects.letters] },
    {
      name: names.attempts,
      subjects: [`${subjects.attempts}.*.*`],
      max_msgs_per_subject: attemptMessages,
      discard: DiscardPolicy.Old,
    },
    { name: names.reserve, subjects: [subjects.reserve] },
    ...Array.from({ length: partitions }, (_, partition) => ({
      name: names.log(partition),
      subjects: [subjects.log(partition)],
    })),
  ]
}

const configOf = (shape: Shape, { replicas, storage }: Layout) => ({
  retention: RetentionPolicy.Limits,
  storage: storage === "file" ? StorageType.File : StorageType.Memory,
  num_replicas: replicas,
  discard: DiscardPolicy.New,
  allow_direct: true,
  deny_delete: true,
  description: `Millrace store, version ${version}`,
  ...shape,
})

/** Fails when a stream of this name is not one that this version made. */
const check = (
  { config }: StreamInfo,
  shape: Shape,
  { storage }: Settings,
): Effect.Effect<void, StoreError> => {
  const [, made] = /^Millrace store, version (\d+)$/.exec(config.description ?? "") ?? []
  if (made === undefined || config.subjects.join() !== shape.subjects.join()) {
    return Effect.fail(
      corrupt(
        `stream "${config.name}" was made by another program: choose another prefix, or remove the stream`,
      ),
    )
  }
  if (Number(made) !== version) {
    return Effect.fail(
      incompatible(
        `stream "${config.name}" is of version ${made}, this program knows ${version}: use a newer one`,
      ),
    )
  }
  if (storage !== undefined && config.storage !== storage) {
    return Effect.fail(
      incompatible(
        `stream "${config.name}" has storage "${config.storage}", which cannot be changed to "${storage}"`,
      ),
    )
  }
  return Effect.void
}

const infoOf = (connection: Connection, name: string): Effect.Effect<StreamInfo | null, StoreError> =>
  connection.call(async () => {
    try {
      return await connection.manager.streams.info(name)
    } catch (error) {
      if (isStreamNotFound(error)) return null
      throw error
    }
  })

/** How many of the store's streams there are, and how many there have to be. */
export const count = (
  connection: Connection,
  prefix: string,
  partitions: number,
): Effect.Effect<{ readonly there: number; readonly all: number }, StoreError> => {
  const shapes = shapesOf(namesOf(prefix), partitions)
  return Effect.map(
    Effect.forEach(shapes, ({ name }) => infoOf(connection, name), { concurrency: 16 }),
    (infos) => ({ there: infos.filter((info) => info !== null).length, all: shapes.length }),
  )
}

/**
 * A server that is in no cluster takes any number for a stream that it has already, and keeps one.
 */
export const replicasOf = ({ cluster, config }: StreamInfo): number =>
  cluster === undefined ? 1 : config.num_replicas

interface Recorded {
  readonly partitions: number
}

const recordKey = "partitions"

const shrunk = (kept: number, asked: number): StoreError =>
  incompatible(
    `the log has ${kept} partitions, and ${asked} are asked for: it can grow, not shrink (leave the option out to keep it as it is)`,
  )

/** What there is of the streams. Changes nothing. */
const inspect = Effect.fnUntraced(function* (connection: Connection, settings: Settings) {
  const names = namesOf(settings.prefix)
  const bucket = yield* infoOf(connection, names.bucket)
  const table = new Table<Recorded>(
    new Stream(connection, names.bucket, bucket === null ? 1 : replicasOf(bucket)),
    subjectsOf(settings.prefix).table("store"),
  )
  const [bucketShape] = shapesOf(names, 0)
  if (bucket !== null && bucketShape !== undefined) yield* check(bucket, bucketShape, settings)
  const recorded = bucket === null ? null : yield* table.get(recordKey)
  const kept = recorded?.value.partitions ?? 0
  const partitions = settings.partitions ?? Math.max(kept, 1)
  if (partitions < kept) return yield* Effect.fail(shrunk(kept, partitions))

  const layout: Layout = {
    partitions,
    replicas: settings.replicas ?? (bucket === null ? 1 : replicasOf(bucket)),
    storage: settings.storage ?? (bucket?.config.storage === StorageType.Memory ? "memory" : "file"),
  }
  if (layout.replicas > 1 && bucket !== null && bucket.cluster === undefined) {
    return yield* Effect.fail(
      unavailable(`${layout.replicas} replicas are asked for, and ${connection.server} is in no cluster`),
    )
  }
  const found: Array<{ readonly shape: Shape; readonly info: StreamInfo | null }> = []
  for (const shape of shapesOf(names, partitions)) {
    const info = shape.name === names.bucket ? bucket : yield* infoOf(connection, shape.name)
    if (info !== null) yield* check(info, shape, settings)
    found.push({ shape, info })
  }
  const record = (): Effect.Effect<boolean, StoreError> =>
    kept === partitions
      ? Effect.succeed(true)
      : Effect.map(
          table.replace(recordKey, { partitions }, recorded?.revision ?? 0),
          (revision) => revision !== null,
        )
  return { layout, found, record }
})

const mayWrite = (connection: Connection, prefix: string): Effect.Effect<void, StoreError> => {
  const subjects = subjectsOf(prefix)
  const all = [subjects.log(0), subjects.letters, `${subjects.attempts}.-.-`, subjects.table("store")]
  return Effect.forEach(all, (subject) => connection.mayPublish(subject), {
    concurrency: "unbounded",
    discard: true,
  })
}

/**
 * Checks the streams of this prefix, and makes what is missing: nothing is changed when one of them
 * is not as it should be. Several processes may do it at once.
 */
export const prepare: (connection: Connection, settings: Settings) => Effect.Effect<Layout, StoreError> =
  Effect.fnUntraced(function* (connection, settings) {
    yield* mayWrite(connection, settings.prefix)
    const { layout, found, record } = yield* inspect(connection, settings)
    for (const { shape, info } of found) {
      if (info === null) {
        yield* connection.call(() => connection.manager.streams.add(configOf(shape, layout)))
      } else if (settings.replicas !== undefined && replicasOf(info) !== layout.replicas) {
        yield* connection.call(() =>
          connection.manager.streams.update(shape.name, { num_replicas: layout.replicas }),
        )
      }
    }
    // Another process may have made it at the same time, with another number of partitions.
    return (yield* record()) ? layout : yield* prepare(connection, settings)
  })
