import { keep, kept } from "./kept.ts"
import { isReadOnly } from "./session.ts"
import { computed, signal } from "./signals.ts"

/** Single letters as commands: they can be switched off (WCAG 2.1.4). */
export const shortcuts = signal(kept("shortcuts", "on") === "on")

export const setShortcuts = (on: boolean): void => {
  shortcuts.value = on
  keep("shortcuts", on ? "on" : "off")
}

/** Hides what users' values are while a screen is shared. Not kept: nobody should wonder later. */
export const hideValues = signal(false)

/** The server has masked them already where access is read-only. */
export const valuesAreHidden = computed(() => hideValues.value || isReadOnly.value)

export const flipValues = (): void => {
  hideValues.value = !hideValues.value
}
