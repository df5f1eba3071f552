import type { DeadLetters, EventLog, HttpIngest, Ingest } from "@millrace/core"
import type { OwnPaths, Wire } from "@millrace/core/host"
import type { Counters, Documents, Keys } from "@millrace/core/store"
import type { Otlp } from "@millrace/node"
import type { StatsigOptions } from "@millrace/statsig"
import type { Access } from "../Endpoints.ts"
import type { WorkerReport } from "../metrics/Metrics.ts"
import type { LogSettings } from "../text/Log.ts"

/** What a worker asks of the primary, which has the store. Appends besides. */
export type PrimaryCalls = {
  readonly keys: readonly [null, ReadonlyArray<Keys.KeyRecord>]
  readonly letters: readonly [ReadonlyArray<DeadLetters.DeadLetter>, null]
  readonly counts: readonly [ReadonlyArray<Counters.HourlyCount>, null]
  readonly getDocument: readonly [string, CrossingDocument | null]
  readonly putDocument: readonly [CrossingDocument, null]
  readonly removeDocument: readonly [string, null]
  /** Why the server should get no requests; `null` when it should. */
  readonly problem: readonly [null, string | null]
  /** The text of `GET /metrics`, of all processes. */
  readonly metrics: readonly [null, string]
  /**
   * Reports what a worker has counted, so that it is not forgotten when the worker is killed.
   * Returns how many connections it may keep.
   */
  readonly report: readonly [WorkerReport, number]
}

/** A document as JSON: its bytes are base64. There is one every few minutes. */
export type CrossingDocument = Omit<Documents.Document, "body"> & { readonly body: string }

/** What the primary asks of a worker. */
export type WorkerCalls = {
  readonly start: readonly [Settings, Started]
  readonly report: readonly [null, WorkerReport]
  /**
   * The store or the configuration, whose keys these are, has other keys than before: from its
   * answer on they count.
   */
  readonly reloadKeys: readonly [Settings["keys"], null]
  /** Takes no more connections, lets requests in flight finish, and returns the last report. */
  readonly stop: readonly [null, WorkerReport]
}

/** What a worker is started with. */
export interface Settings {
  /** Which one it is, counted from 1: its successor has the same number. */
  readonly worker: number
  readonly host: string
  readonly port: number
  readonly keys: { readonly server: ReadonlyArray<string>; readonly client: ReadonlyArray<string> }
  readonly validation: Wire.Validation
  readonly paths: OwnPaths
  readonly client: HttpIngest.ClientConfig
  readonly cors: HttpIngest.Cors
  /** How many ms two equal requests are one; `null` when they never are. */
  readonly dedupe: number | null
  /** What one request may have. */
  readonly limits: Partial<Ingest.IngestLimits>
  /** What a client's address is hashed with. */
  readonly hashKey: string | null
  readonly statsig: StatsigOptions
  /** What the primary's relay names itself: its own requests must not come back by a worker. */
  readonly relayId: string
  readonly statsigSecrets: ReadonlyArray<string>
  /** The socket of the process that answers what the console and commands ask; `null` without. */
  readonly console: string | null
  /** What it logs, and how. */
  readonly logging: LogSettings
  readonly log: { readonly durability: EventLog.Durability; readonly partitions: number }
  /** How many bytes of bodies may be in its memory, and how many of them may wait for the store. */
  readonly maxBytes: number
  /** What it tells of how the server is, and to whom. */
  readonly access: Access
  /** Where spans go; `null` when none are made. */
  readonly otlp: Otlp.OtlpOptions | null
}

/** Where a worker listens, or why it cannot. */
export type Started = { readonly port: number } | { readonly problem: string }

/**
 * Deals the bytes that one process may hold among workers, in equal parts with room for one body of
 * the largest size.
 */
export const bytesEach = (workers: number, { bodyBytes, inFlightBytes }: Ingest.IngestLimits): number =>
  Math.max(bodyBytes, Math.floor(inFlightBytes / workers))

/**
 * The channel's end in a worker. Below it are the standard streams, and the channel of
 * `node:cluster`.
 */
export const channelDescriptor = 4
