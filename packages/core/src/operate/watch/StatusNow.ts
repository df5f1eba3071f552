import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { DeadLetters } from "../../ports/DeadLetters.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { StoreHealth } from "../../ports/StoreHealth.ts"
import { selects } from "../../select/selects.ts"
import { maskUrl } from "../destinations/masking.ts"
import type { DestinationRow } from "../rows/destinationRow.ts"
import type { DestinationNow, StatusNow } from "../rows/stream.ts"
import { FilterShares } from "./FilterShares.ts"
import type { LedgerPast } from "./LedgerPast.ts"
import type { Process } from "./Process.ts"
import * as StoreFacts from "./StoreFacts.ts"

/** ms from one status to the next. */
export const statusEvery = 2_000

/** Minutes over which requests with a wrong key are counted. */
const wrongKeyMinutes = 15

export interface StatusOptions {
  readonly log: EventLog["Service"]
  readonly health: StoreHealth["Service"]
  readonly deadLetters: DeadLetters["Service"]
  readonly process: Process
  readonly past: LedgerPast
  /** Read at most every {@link statusEvery}, and noted in the past. */
  readonly rows: Effect.Effect<ReadonlyArray<DestinationRow>, StoreError>
  readonly jobs: Effect.Effect<StatusNow["jobs"]>
}

/** Says what flows. Where the store does not answer it says so, and what was known before. */
export const make = (options: StatusOptions): Effect.Effect<StatusNow> => {
  const { log, health, deadLetters, process, past, rows } = options
  const { roster, watch, keepFor } = process.steering
  const storeFacts = StoreFacts.make(log, health, keepFor)
  const shares = new FilterShares(log)
  let letters: StatusNow["deadLetters"] = {}

  const destinationNow = (row: DestinationRow): DestinationNow => {
    const known = roster.all.get(row.id)
    const last = watch.lastOf(row.id)
    const rates = past.rates(row.id)
    const share = known === undefined ? null : shares.shareOf(known.selection)
    const isFailing = row.failingSince !== null
    const destination = known?.destination
    return {
      ...row,
      url: destination === undefined ? "" : maskUrl(destination.url, destination.format),
      origin: roster.isConfigured(row.id) ? "configured" : "added",
      selects:
        destination === undefined ? "" : selects(destination.filter, destination.predicate !== undefined),
      rate: rates.delivered,
      filterRate: rates.filtered,
      limit: destination?.rateLimit.events ?? null,
      nextAt: row.disabled === null ? (last?.nextAt ?? null) : null,
      waitReason: row.disabled === null ? (last?.waitReason ?? null) : null,
      lastOutcome: last?.outcome ?? null,
      lastStatus: last?.status ?? null,
      lastError: last?.error ?? null,
      lastDuration: last?.duration ?? null,
      willSend: share === null ? null : Math.round(share * Math.max(row.pending, 0)),
      // What is set up wrongly is never given up.
      givesUpAt:
        isFailing && destination !== undefined && last?.outcome === "not-now"
          ? row.failingSince! + destination.retry.giveUpAfter
          : null,
    }
  }

  return Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    const store = yield* storeFacts(at)
    const isWell = store.problem === null
    const known = [...(past.last?.values() ?? [])]
    const found = isWell ? yield* Effect.orElseSucceed(rows, () => known) : known
    if (isWell) {
      const waiting = found.flatMap(({ id, pending }) => {
        const one = roster.all.get(id)
        return pending > 0 && one !== undefined ? [{ id, selection: one.selection }] : []
      })
      yield* Effect.ignore(shares.look(waiting, at))
      letters = yield* deadLetters.count.pipe(
        Effect.map((counts) => Object.fromEntries(counts)),
        Effect.orElseSucceed(() => letters),
      )
    }
    const { watch: intake } = process.ingest
    const { stored, rejected } = intake.today(at)
    return {
      at,
      startedAt: process.startedAt,
      destinations: found.map(destinationNow),
      intake: {
        rate: intake.rate(at, process.startedAt),
        stored,
        rejected,
        refused: intake.refusedCount,
        wrongKeys: intake.wrongKeysIn(wrongKeyMinutes, at),
        isFirstRun: store.events === 0 || roster.all.size === 0,
      },
      store,
      deadLetters: letters,
      jobs: yield* options.jobs,
    }
  })
}
