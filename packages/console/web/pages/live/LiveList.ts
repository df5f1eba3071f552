import type { EventRow } from "../../api/rows.ts"
import { shown } from "../../text/escape.ts"
import { hidden } from "../../text/mask.ts"
import { count } from "../../text/numbers.ts"
import { exact } from "../../text/times.ts"
import { type Mark, markWords } from "../../text/words.ts"
import { deadKey, markAt, type Progress } from "./marks.ts"
import { type ParsedPlace, parsePlace } from "./place.ts"
import * as Ring from "./ring.ts"

/** Rows in the document, however many there are: what the highest screens show, and a few more. */
const pooled = 44

/** Deaths that are remembered: of every row that may still be shown, at a few destinations. */
const mostDead = Ring.capacity * 4

/** Columns of destinations: more are a number. */
export const mostMarks = 6

const svg = "http://www.w3.org/2000/svg"

const element = (
  name: string,
  className: string,
  attributes: Readonly<Record<string, string>> = {},
): HTMLElement => {
  const made = document.createElement(name)
  made.className = className
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

const shapes: Readonly<Record<Mark, readonly [string, Readonly<Record<string, string>>]>> = {
  delivered: ["circle", { cx: "7", cy: "7", r: "4" }],
  waiting: ["circle", { cx: "7", cy: "7", r: "3.4" }],
  filtered: ["path", { d: "M3.5 7h7" }],
  dead: ["path", { d: "M4 4l6 6M10 4l-6 6" }],
}

/** All shapes of a mark; which one is seen is a matter of an attribute, and of styles. */
const markCell = (): HTMLElement => {
  const cell = element("span", "mark")
  const glyph = document.createElementNS(svg, "svg")
  for (const [key, value] of Object.entries({
    viewBox: "0 0 14 14",
    width: "14",
    height: "14",
    "aria-hidden": "true",
  }))
    glyph.setAttribute(key, value)
  glyph.setAttribute("class", "glyph")
  for (const [mark, [name, attributes]] of Object.entries(shapes)) {
    const shape = document.createElementNS(svg, name)
    shape.setAttribute("class", `on-${mark}`)
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value)
    glyph.append(shape)
  }
  cell.append(glyph)
  return cell
}

const columns = ["live-time", "live-name", "live-user", "live-value", "live-sdk"] as const

interface Slot {
  readonly row: HTMLElement
  readonly cells: ReadonlyArray<HTMLElement>
  readonly marks: ReadonlyArray<HTMLElement>
  /** What each cell shows: it is written only when that changes. */
  readonly texts: Array<string>
  event: EventRow | null
  place: ParsedPlace | null
}

/** Why the list is held: it goes on when none of these is left. */
export type Hold = "pointer" | "focus" | "scroll" | "pause" | "panel"

export interface LiveListOptions {
  readonly onOpen: (row: EventRow) => void
  readonly onHold: (isHeld: boolean, isPaused: boolean) => void
  readonly onNewer: (newer: number) => void
}

/**
 * The rows of Live. It is no component: two thousand events a second would be two thousand trees.
 * It keeps some rows in the document, moves them by `transform`, writes cells that have changed,
 * and paints once a frame, whatever comes.
 */
export class LiveList {
  readonly body: HTMLElement
  private readonly scroller: HTMLElement
  private readonly options: LiveListOptions
  private readonly slots: ReadonlyArray<Slot>
  private readonly holds = new Set<Hold>()
  private readonly dead = new Set<string>()
  private ring = Ring.empty
  private progress: Progress = { ids: [], cursors: {}, dead: this.dead }
  private indexes: ReadonlyArray<number> = []
  private readonly height: number
  private selected: string | null = null
  private isHidden = false
  private isDirty = false
  /** The row that Tab comes to. */
  private current = 0

  constructor(scroller: HTMLElement, height: number, marks: number, options: LiveListOptions) {
    this.scroller = scroller
    this.height = height
    this.options = options
    this.body = element("div", "live-body")
    this.slots = Array.from({ length: pooled }, () => this.makeSlot(marks))
    this.body.append(...this.slots.map(({ row }) => row))
    scroller.append(this.body)
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true })
    this.body.addEventListener("focusin", () => this.hold("focus", true))
    this.body.addEventListener("focusout", (event) => {
      if (!this.body.contains(event.relatedTarget as Node | null)) this.hold("focus", false)
    })
    this.body.addEventListener("keydown", (event) => this.move(event))
  }

  /** Newest first. */
  take(added: ReadonlyArray<EventRow>): void {
    this.ring = Ring.take(this.ring, added)
    if (this.ring.isHeld) this.options.onNewer(this.ring.newer)
    this.soon()
  }

  append(older: ReadonlyArray<EventRow>): void {
    this.ring = Ring.append(this.ring, older)
    this.soon()
  }

  get rows(): ReadonlyArray<EventRow> {
    return this.ring.rows
  }

  know(
    ids: ReadonlyArray<string>,
    cursors: Progress["cursors"],
    dead: ReadonlyArray<readonly [string, string]>,
  ): void {
    for (const [destination, timeUUID] of dead) this.dead.add(deadKey(destination, timeUUID))
    for (const oldest of this.dead) {
      if (this.dead.size <= mostDead) break
      this.dead.delete(oldest)
    }
    this.progress = { ids, cursors, dead: this.dead }
    this.soon()
  }

  /** Which destinations have a column. */
  show(indexes: ReadonlyArray<number>): void {
    this.indexes = indexes
    this.soon()
  }

  select(place: string | null): void {
    this.selected = place
    this.hold("panel", place !== null)
    this.soon()
  }

  hideValues(isHidden: boolean): void {
    if (isHidden === this.isHidden) return
    this.isHidden = isHidden
    this.soon()
  }

  hold(why: Hold, isOn: boolean): void {
    if (isOn) this.holds.add(why)
    else this.holds.delete(why)
    const was = this.ring.isHeld
    this.ring = Ring.hold(this.ring, this.holds.size > 0)
    if (was !== this.ring.isHeld || why === "pause") {
      this.options.onHold(this.ring.isHeld, this.holds.has("pause"))
      this.options.onNewer(this.ring.newer)
    }
    this.soon()
  }

  get isPaused(): boolean {
    return this.holds.has("pause")
  }

  /** Back to the newest, and on. */
  goOn(): void {
    this.holds.clear()
    this.scroller.scrollTop = 0
    this.hold("pause", false)
  }

  focusSelected(): void {
    const slot = this.slots.find(({ event }) => event !== null && event[0] === this.selected)
    slot?.row.focus({ preventScroll: true })
  }

  private makeSlot(marks: number): Slot {
    const row = element("div", "live-row", { role: "row", tabindex: "-1", "data-row": "" })
    const cells = columns.map((name) => element("span", name, { role: "gridcell" }))
    const cell = element("span", "marks", { role: "gridcell" })
    const made = Array.from({ length: marks }, markCell)
    cell.append(...made)
    row.append(...cells, cell)
    row.hidden = true
    const slot: Slot = { row, cells, marks: made, texts: [], event: null, place: null }
    row.addEventListener("click", () => slot.event !== null && this.options.onOpen(slot.event))
    return slot
  }

  private move(event: KeyboardEvent): void {
    const slot = this.slots.find(({ row }) => row === event.target)
    if (slot === undefined || slot.event === null) return
    if (event.key === "Enter") {
      event.preventDefault()
      this.options.onOpen(slot.event)
      return
    }
    const last = this.ring.view.length - 1
    const at = this.ring.view.indexOf(slot.event)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + 12, PageUp: at - 12 }[
      event.key
    ]
    if (to === undefined) return
    event.preventDefault()
    this.focusAt(Math.min(Math.max(to, 0), last))
  }

  private focusAt(index: number): void {
    this.current = index
    const { scrollTop, clientHeight } = this.scroller
    const top = index * this.height
    if (top < scrollTop) this.scroller.scrollTop = top
    else if (top + this.height > scrollTop + clientHeight)
      this.scroller.scrollTop = top + this.height - clientHeight
    this.paint()
    const wanted = this.ring.view[index]
    this.slots.find(({ event }) => event === wanted)?.row.focus({ preventScroll: true })
  }

  private scrolled(): void {
    this.hold("scroll", this.scroller.scrollTop > this.height)
  }

  private soon(): void {
    if (this.isDirty) return
    this.isDirty = true
    requestAnimationFrame(() => this.paint())
  }

  private paint(): void {
    this.isDirty = false
    const { view } = this.ring
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.height) - 2)
    this.body.style.height = `${view.length * this.height}px`
    this.slots.forEach((_, at) => {
      // A row keeps its element while it scrolls, so that what has the focus stays the same.
      const index = first + at
      this.paintSlot(this.slots[index % pooled]!, index, view[index])
    })
  }

  private paintSlot(slot: Slot, index: number, event: EventRow | undefined): void {
    const { row } = slot
    row.hidden = event === undefined
    if (event === undefined) return
    row.style.transform = `translateY(${index * this.height}px)`
    row.tabIndex = index === Math.min(this.current, this.ring.view.length - 1) ? 0 : -1
    if (slot.event !== event) {
      slot.event = event
      slot.place = parsePlace(event[0])
      row.setAttribute("aria-rowindex", String(index + 2))
    }
    row.classList.toggle("is-selected", event[0] === this.selected)
    const value = this.isHidden && event[5] !== "" ? hidden : event[5]
    const texts = [exact(event[1]), event[2], event[4], value, event[6]]
    texts.forEach((text, column) => {
      if (slot.texts[column] === text) return
      slot.texts[column] = text
      slot.cells[column]!.textContent = shown(text)
    })
    slot.marks.forEach((cell, column) => {
      cell.hidden = column >= this.indexes.length
      const destination = this.indexes[column]
      const mark =
        destination === undefined ? null : markAt(this.progress, event[9], slot.place!, event[8], destination)
      if (cell.dataset["mark"] === (mark ?? "")) return
      cell.dataset["mark"] = mark ?? ""
      cell.title = mark === null ? "" : `${this.progress.ids[destination!]}: ${markWords[mark]}`
    })
  }
}

/** "123 newer". */
export const newerText = (newer: number): string =>
  newer >= Ring.capacity ? `${count(Ring.capacity)} or more newer` : `${count(newer)} newer`
