import { useState } from "preact/hooks"

let last = 0

/** An id for this page, the same for as long as the component is there. */
export const useId = (): string =>
  useState(() => {
    last += 1
    return `id-${last}`
  })[0]
