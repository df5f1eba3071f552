import * as Data from "effect/Data"
import type { StoreError } from "./StoreError.ts"

/** Another process has taken the destination over: this lane stops. */
export class Fenced extends Data.TaggedError("Fenced")<{ readonly name: string }> {}

/** The destination answered 410: it wants nothing any more. */
export class Gone extends Data.TaggedError("Gone")<{ readonly destination: string }> {}

/** A replay has reached its end. */
export class Finished extends Data.TaggedError("Finished")<{ readonly name: string }> {}

export type LaneEnd = Fenced | Gone | Finished | StoreError
