/** Whether an acknowledgement waits for the server that takes over. */
export type Mode = "async" | "sync"

/**
 * A store's servers, one of which takes over from another. Each kind of store has a file that makes
 * them.
 */
export interface Stage {
  /** The store's URL, by an address that moves with it. */
  readonly url: `${string}://${string}`
  /** The one that will take over stops to follow, if an acknowledgement does not wait for it. */
  readonly fallBehind: () => Promise<void>
  /**
   * Kills the server in charge, lets another one take over, and moves the address. Resolves when
   * that is done.
   */
  readonly failOver: () => Promise<void>
  readonly dispose: () => Promise<void>
}

export type MakeStage = (mode: Mode) => Promise<Stage>
