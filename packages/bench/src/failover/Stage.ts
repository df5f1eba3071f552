/** Whether an acknowledgement waits for the server that takes over. */
export type Mode = "async" | "sync"

/** A store's servers, one of which takes over from another. A kind of store has a file of its own that makes one. */
export interface Stage {
  /** Of the store, by an address that moves with it. */
  readonly url: `${string}://${string}`
  /** The one that will take over stops to follow, if an acknowledgement does not wait for it. */
  readonly fallBehind: () => Promise<void>
  /** The server in charge dies, another one takes over, and the address moves. Resolves when that is done. */
  readonly failOver: () => Promise<void>
  readonly dispose: () => Promise<void>
}

export type MakeStage = (mode: Mode) => Promise<Stage>
