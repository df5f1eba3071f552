import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { StoreError } from "./StoreError.ts"

/** Where those who use a store say that it has failed them, for whoever finds out if it is down. */
export interface StoreTrouble {
  readonly note: (error: StoreError) => void
  /** The one who finds out: the last that has asked. */
  readonly listen: (listener: (error: StoreError) => void) => void
}

const make = (): StoreTrouble => {
  let heard: (error: StoreError) => void = () => {}
  return {
    note: (error) => heard(error),
    listen: (listener) => {
      heard = listener
    },
  }
}

/** By default nobody finds out. */
export const StoreTrouble = Context.Reference<StoreTrouble>("@millrace/core/StoreTrouble", {
  defaultValue: () => ({ note: () => {}, listen: () => {} }),
})

/** One for those who are built together. */
export const layer: Layer.Layer<never> = Layer.sync(StoreTrouble, make)
