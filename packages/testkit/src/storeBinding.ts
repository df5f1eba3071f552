import type { Store, StoreError } from "@millrace/core"
import type * as Duration from "effect/Duration"
import type * as Layer from "effect/Layer"

export interface StoreOpenOptions {
  /** The log's cap in bytes. Without it, the store's default. */
  readonly maxBytes?: number
}

/** Where one test's store is: a directory, a schema, a prefix. */
export interface StorePlace {
  /**
   * A layer that opens the store at this place. It is opened again after it was closed when the
   * store `reopens`, and several times at once when it is `shared`.
   */
  readonly open: (options: StoreOpenOptions) => Layer.Layer<Store.Store, StoreError>
  /** Called after the test, when everything has been closed. */
  readonly remove?: () => void | Promise<void>
}

/** Takes a store's server away and gives it back, as a TCP proxy in front of it does. */
export interface StoreFaults {
  /** Drops the connections there are, and refuses new ones. */
  readonly cut: () => void | Promise<void>
  /** Keeps connections, accepts new ones, and passes nothing on: the server seems to hang. */
  readonly stall: () => void | Promise<void>
  /** Ends either. */
  readonly restore: () => void | Promise<void>
}

/**
 * A place whose server can be taken away. Its store may be opened with a short timeout, so that
 * tests do not wait for it.
 */
export interface FaultyPlace extends StorePlace {
  readonly faults: StoreFaults
}

/** A place whose store can be made to come back with less than it had given, while it is open. */
export interface RewindablePlace extends StorePlace {
  /** Remembers what the store holds: all of it, cursors included. */
  readonly keep: () => void | Promise<void>
  /**
   * Puts the store back to what it held then, as a restored file or a replica that was behind does.
   * A store that is open may have to be asked again until it answers; from its next answer on it
   * knows.
   */
  readonly comeBack: () => void | Promise<void>
}

/** A place whose store can be emptied while it is open. */
export interface EmptiablePlace extends StorePlace {
  /**
   * Takes away everything the store holds, as a server does that is started without its data. It
   * can be opened again afterwards, as a new one.
   */
  readonly empty: () => void | Promise<void>
}

/**
 * What a store can do: a case that needs more is reported as skipped, with the reason in its name.
 */
export interface StoreCapabilities {
  /** It holds after opening what it held at closing. */
  readonly reopens: boolean
  /** Several processes may have one place open at once. */
  readonly shared: boolean
  /** `maxBytes` caps the log. */
  readonly capped: boolean
  /** Its log has several partitions as the place opens it. */
  readonly partitioned?: boolean
  /**
   * Its log is outside of this process's memory: so it is, if not said otherwise, for one that
   * `reopens`.
   */
  readonly outside?: boolean
  /** Its probe knows whether the log has room. */
  readonly probesRoom?: boolean
}

export interface StoreBinding extends StoreCapabilities {
  /** Makes a fresh, empty place: called once a test, or once a run of a property. */
  readonly place: () => StorePlace | Promise<StorePlace>
  /** For a store with a server: makes a fresh, empty place whose server can be taken away. */
  readonly faultyPlace?: () => FaultyPlace | Promise<FaultyPlace>
  /**
   * Makes a fresh, empty place that is full long before the log's cap: one that holds between 5 and
   * 80 MB. Its store `reopens`, and is opened without {@link StoreOpenOptions.maxBytes}.
   */
  readonly smallPlace?: () => StorePlace | Promise<StorePlace>
  /**
   * Makes a fresh, empty place whose store can come back with less; or several, by the way in which
   * it does.
   */
  readonly rewindablePlace?: MakeRewindable | Readonly<Record<string, MakeRewindable>>
  /**
   * Makes a fresh, empty place whose store acknowledges at a level, and can be emptied; `null`
   * where there is none of this level.
   */
  readonly emptiablePlace?: (
    level: "memory" | "disk",
  ) => EmptiablePlace | null | Promise<EmptiablePlace | null>
  /**
   * For how long, in real time, a store may be silent before a case gives up, and says what it
   * waits for: 15 seconds by default, and longer once its server was taken away.
   */
  readonly patience?: Duration.Input
}

type MakeRewindable = () => RewindablePlace | Promise<RewindablePlace>
