import { signal } from "./signals.ts"

/** What has just succeeded, in the corner. Failures stay where they happened. */
export const toast = signal<{ readonly text: string; readonly isShown: boolean }>({
  text: "",
  isShown: false,
})

/** What is said to screen readers only. */
export const announced = signal("")

/** How long it stands, in ms: two short sentences are read in that time. */
const shownFor = 3_200

let timer: ReturnType<typeof setTimeout> | undefined

export const say = (text: string): void => {
  toast.value = { text, isShown: true }
  clearTimeout(timer)
  timer = setTimeout(() => {
    toast.value = { text, isShown: false }
  }, shownFor)
}

export const announce = (text: string): void => {
  announced.value = text
}
