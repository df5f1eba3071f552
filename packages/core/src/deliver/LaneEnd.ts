import * as Data from "effect/Data"
import type { StoreError } from "../ports/StoreError.ts"

/** Another process has taken the destination over: this lane stops. */
export class Fenced extends Data.TaggedError("Fenced")<{ readonly name: string }> {}

/**
 * This process is not to run the lane any longer: it is dealt to another one, or this process's
 * lease has ended.
 */
export class Released extends Data.TaggedError("Released")<{ readonly name: string }> {}

/** The destination answered 410: it wants nothing any more. */
export class Gone extends Data.TaggedError("Gone")<{ readonly destination: string }> {}

/** A replay has reached its end. */
export class Finished extends Data.TaggedError("Finished")<{ readonly name: string }> {}

export type LaneEnd = Fenced | Released | Gone | Finished | StoreError
