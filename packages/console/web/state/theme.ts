import { keep, kept } from "./kept.ts"
import { computed, effect, signal } from "./signals.ts"

const system = matchMedia("(prefers-color-scheme: dark)")
const systemIsDark = signal(system.matches)
const chosen = signal(kept("theme", "system"))

/** `light` or `dark`: the reader's choice, or else the system's. */
export const theme = computed(() => {
  if (chosen.value === "light" || chosen.value === "dark") return chosen.value
  return systemIsDark.value ? "dark" : "light"
})

export const flipTheme = (): void => {
  chosen.value = theme.value === "dark" ? "light" : "dark"
  keep("theme", chosen.value)
}

export const startTheme = (): void => {
  system.addEventListener("change", ({ matches }) => {
    systemIsDark.value = matches
  })
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value
  })
}
