import type { ComponentChild } from "preact"
import { signal } from "./signals.ts"

/** A dialog that is open: what draws it is given how it closes itself. */
export interface OpenDialog {
  readonly key: number
  readonly draw: (close: () => void) => ComponentChild
}

export const dialogs = signal<ReadonlyArray<OpenDialog>>([])

let last = 0

export const openDialog = (draw: OpenDialog["draw"]): void => {
  last += 1
  dialogs.value = [...dialogs.peek(), { key: last, draw }]
}

export const closeDialog = (key: number): void => {
  dialogs.value = dialogs.peek().filter((open) => open.key !== key)
}

export const closeAllDialogs = (): void => {
  if (dialogs.peek().length > 0) dialogs.value = []
}
