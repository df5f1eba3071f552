import type { Locator, Page } from "playwright-core"
import { expect } from "vitest"

/** Stops of Tab that a page has at most, before it is given up. */
const most = 120

/** Where Tab has come to, and whether whoever looks can tell. */
interface Stop {
  readonly name: string
  readonly isSeen: boolean
  /** Another element than those of the dialog that is open has the focus. */
  readonly isOutside: boolean
}

const stop = (page: Page): Promise<Stop | null> =>
  page.evaluate(() => {
    const at = document.activeElement
    // The browser's own controls come after the last of the page's.
    if (at === null || at === document.body || at.tagName === "DIALOG") return null
    const isRinged = (one: Element | null | undefined): boolean => {
      if (one === null || one === undefined) return false
      const { outlineStyle, outlineWidth } = getComputedStyle(one)
      return outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0
    }
    const box = at.getBoundingClientRect()
    const isInView =
      box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && box.height > 0
    // A check-box that is drawn as something else has the ring on that.
    const hasRing = isRinged(at) || isRinged(at.nextElementSibling) || isRinged(at.closest("label"))
    const open = [...document.querySelectorAll("dialog[open]")].at(-1)
    return {
      name: `${at.tagName} ${at.getAttribute("aria-label") ?? at.textContent?.slice(0, 40)}`,
      isSeen: isInView && hasRing,
      isOutside: open !== undefined && !open.contains(at),
    }
  })

const hasFocus = (wanted: Locator): Promise<boolean> =>
  wanted.evaluate((one) => one === document.activeElement)

/** Goes on by Tab until this has the focus; each stop on the way is seen, and is in the dialog. */
export const tabTo = async (page: Page, wanted: Locator): Promise<void> => {
  const stops: Array<Stop> = []
  for (let count = 0; count < most; count += 1) {
    await page.keyboard.press("Tab")
    const at = await stop(page)
    if (at !== null) stops.push(at)
    if (await hasFocus(wanted)) {
      expect(stops.filter(({ isSeen, isOutside }) => !isSeen || isOutside)).toEqual([])
      return
    }
  }
  throw new Error(`Tab does not come to it: ${stops.map(({ name }) => name).join(" | ")}`)
}

/** Tab goes round inside of the dialog that is open, and never to what is behind it. */
export const goesRound = async (page: Page, from: Locator): Promise<void> => {
  expect(await hasFocus(from)).toBe(true)
  await tabTo(page, from)
}

/** Frames in which the focus comes to where it belongs. */
const patience = 600

/** Waits until this has the focus; says what has it instead. */
export const expectFocus = async (wanted: Locator): Promise<void> => {
  const instead = await wanted.evaluate(
    (one, frames) =>
      new Promise<string | null>((resolve) => {
        let left = frames
        const look = () => {
          const at = document.activeElement
          if (one === at) return resolve(null)
          left -= 1
          if (left === 0) return resolve(at?.outerHTML.slice(0, 200) ?? "nothing")
          requestAnimationFrame(look)
        }
        look()
      }),
    patience,
  )
  expect(instead).toBeNull()
}
