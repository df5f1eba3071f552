import { flipValues, shortcuts } from "../state/preferences.ts"
import { go } from "../state/route.ts"
import { session } from "../state/session.ts"
import { flipTheme } from "../state/theme.ts"
import { openShortcuts } from "./openShortcuts.tsx"
import { pages } from "./pages.ts"

type Listener = (event: KeyboardEvent) => void

/** Keys of the page that is open, after those of the shell. */
const listeners = new Set<Listener>()

export const onKey = (listener: Listener): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** How long after `g` the second letter counts, in ms. */
const patience = 900

let before = ""
let timer: ReturnType<typeof setTimeout> | undefined

const focusFind = (): void => document.getElementById("find")?.focus()

/** `j` and `k`: from row to row, on whatever page has some. */
const moveRow = (by: number): void => {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")].filter((row) => !row.hidden)
  const at = rows.indexOf(document.activeElement as HTMLElement)
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus()
}

const pageOf = (key: string): string | undefined =>
  Object.keys(pages).find((name) => pages[name]!.key === key)

const byKey: Readonly<Record<string, () => void>> = {
  "/": focusFind,
  "?": openShortcuts,
  t: flipTheme,
  h: flipValues,
  j: () => moveRow(1),
  k: () => moveRow(-1),
}

const isIn = (target: EventTarget | null, where: string): boolean =>
  target instanceof Element && target.closest(where) !== null

/** Single letters only outside of inputs, and they can be switched off (WCAG 2.1.4). */
export const startKeys = (): void =>
  addEventListener("keydown", (event) => {
    if (session.peek()._tag !== "SignedIn") return
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key !== "k" || event.altKey) return
      event.preventDefault()
      return focusFind()
    }
    // These know what Escape is.
    if (isIn(event.target, "[type=search], textarea, dialog, [popover]")) return
    const isWriting = isIn(event.target, "input, select")
    if (isWriting && event.key !== "Escape") return
    if (event.key === "Escape" || (event.key === " " && shortcuts.peek())) {
      for (const listener of listeners) listener(event)
      return
    }
    if (!shortcuts.peek()) return
    clearTimeout(timer)
    const page = before === "g" ? pageOf(event.key) : undefined
    before = event.key
    timer = setTimeout(() => {
      before = ""
    }, patience)
    if (page !== undefined) {
      before = ""
      return go(`#/${page}`)
    }
    const act = byKey[event.key]
    if (act === undefined) for (const listener of listeners) listener(event)
    else {
      event.preventDefault()
      act()
    }
  })
