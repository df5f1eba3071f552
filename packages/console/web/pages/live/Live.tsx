import { useEffect, useMemo, useRef } from "preact/hooks"
import type { EventQuery, EventRow } from "../../api/rows.ts"
import { Button, IconButton } from "../../parts/Button.tsx"
import { Glyph } from "../../parts/Glyph.tsx"
import { Empty } from "../../parts/Notice.tsx"
import { Page } from "../../parts/Page.tsx"
import { onKey } from "../../shell/keys.ts"
import { announce } from "../../state/messages.ts"
import { valuesAreHidden } from "../../state/preferences.ts"
import { go, href, narrow, route, titleMark } from "../../state/route.ts"
import { computed, useSignal, useSignalEffect } from "../../state/signals.ts"
import { connection, status, takeFrames } from "../../state/status.ts"
import { shown } from "../../text/escape.ts"
import { count, short } from "../../text/numbers.ts"
import { clock } from "../../text/times.ts"
import { categories, type Mark, markWords } from "../../text/words.ts"
import { stepsOf } from "../overview/firstSteps.ts"
import { columnsOf } from "./columns.ts"
import { add, countSays, makeMinute, nothing } from "./counting.ts"
import { EventPanel } from "./EventPanel.tsx"
import { FindPanel } from "./FindPanel.tsx"
import { LiveList, mostMarks, newerText } from "./LiveList.ts"
import { SearchNotice } from "./SearchNotice.tsx"
import { atOnce, makeSearch } from "./search.ts"

const isNarrowScreen = matchMedia("(max-width: 56.25em)")

/** Rows from before that the list begins with: a screen of them. */
const firstRows = 60

/** Names of the last minute that are shown: one line of them. */
const mostNames = 9

/** How often they are counted anew, in frames: numbers that flicker cannot be read. */
const namesEvery = 8

const kinds = ["user", "name", "text"] as const

/** What the address asks for. */
const wanted = computed(() => {
  const { query } = route.value
  const given = [...kinds, "category"].flatMap((key) => {
    const value = query.get(key)
    return value ? [[key, value] as const] : []
  })
  return {
    filter: Object.fromEntries(given) as EventQuery,
    event: query.get("event"),
    watch: query.has("watch"),
  }
})

const Chips = ({ category }: { readonly category: string | undefined }) => (
  <div class="chips" role="group" aria-label="Categories">
    {[["", "All"] as const, ...Object.entries(categories)].map(([id, text]) => (
      <button
        key={id}
        type="button"
        class="chip"
        aria-pressed={(category ?? "") === id}
        onClick={() => narrow({ category: id, event: "" })}
      >
        {text}
      </button>
    ))}
  </div>
)

const Legend = () => (
  <p class="legend-line">
    {(Object.keys(markWords) as ReadonlyArray<Mark>).map((mark) => (
      <span key={mark}>
        <Glyph mark={mark} />
        {markWords[mark]}
      </span>
    ))}
  </p>
)

const Minute = ({ names }: { readonly names: ReadonlyArray<readonly [string, number]> }) => (
  <div class="minute" role="group" aria-label="Names in the last minute, about">
    <span class="label">Last minute, about</span>
    {names.map(([name, number]) => (
      <a key={name} class="minute-name" href={href("live", { name })}>
        <code>{shown(name)}</code>
        <b>{short(number)}</b>
      </a>
    ))}
  </div>
)

interface Opened {
  readonly place: string
}

const Head = ({
  ids,
  indexes,
}: {
  readonly ids: ReadonlyArray<string>
  readonly indexes: ReadonlyArray<number>
}) => (
  <div class="live-row live-head" role="row" aria-rowindex={1}>
    {["Time", "Event", "User", "Value", "Sender"].map((title) => (
      <span key={title} role="columnheader">
        {title}
      </span>
    ))}
    <span class="marks" role="columnheader">
      <span class="sr">At each destination</span>
      {indexes.map((index) => (
        <span key={index} class="mark-name" title={ids[index]}>
          {ids[index]}
        </span>
      ))}
      {ids.length > indexes.length && <span class="marks-more">+ {count(ids.length - indexes.length)}</span>}
    </span>
  </div>
)

/** Events as they arrive, and where each of them is. */
export const Live = () => {
  const key = JSON.stringify(wanted.value.filter)
  const isNarrowed = kinds.some((kind) => wanted.value.filter[kind] !== undefined)
  const opened = useSignal<Opened | null>(null)
  const isHeld = useSignal(false)
  const isPaused = useSignal(false)
  const newer = useSignal(0)
  const ids = useSignal<ReadonlyArray<string>>([])
  const indexes = useSignal<ReadonlyArray<number>>([])
  const tally = useSignal(nothing)
  const names = useSignal<ReadonlyArray<readonly [string, number]>>([])
  const hasRows = useSignal(false)
  const isAnswered = useSignal(false)
  const scroller = useRef<HTMLDivElement>(null)
  const list = useRef<LiveList | null>(null)
  const search = useMemo(
    () =>
      makeSearch((row: EventRow) => {
        hasRows.value = true
        list.current?.append([row])
      }),
    [],
  )

  const close = () => {
    opened.value = null
    if (wanted.peek().event !== null) narrow({ event: "" })
    list.current?.focusSelected()
    list.current?.select(null)
  }

  useEffect(() => {
    const box = scroller.current!
    const made = new LiveList(box, isNarrowScreen.matches ? 52 : 34, mostMarks, {
      onOpen: (row) => {
        made.select(row[0])
        opened.value = { place: row[0] }
      },
      onHold: (held, paused) => {
        if (held && !isHeld.peek()) announce("Held: new events are counted.")
        isHeld.value = held
        isPaused.value = paused
      },
      onNewer: (number) => {
        newer.value = number
      },
    })
    list.current = made
    tally.value = nothing
    names.value = []
    hasRows.value = false
    isAnswered.value = false
    const minute = makeMinute()
    let frames = 0
    const end = takeFrames(wanted.peek().filter, (frame) => {
      made.take(frame.rows)
      made.know(frame.ids, frame.cursors, frame.dead)
      isAnswered.value = true
      if (frame.rows.length > 0) {
        hasRows.value = true
        if (wanted.peek().watch) titleMark.value = "● arrived · "
      }
      if (frame.ids.join() !== ids.peek().join()) {
        ids.value = frame.ids
        indexes.value = columnsOf(frame.ids, status.peek()?.destinations ?? [], mostMarks)
        made.show(indexes.peek())
      }
      minute.add(frame)
      frames += 1
      if (frames % namesEvery === 1 && !isHeld.peek()) names.value = minute.names(mostNames)
      tally.value = add(tally.peek(), frame)
    })
    if (ids.peek().length > 0) made.show(indexes.peek())
    // A list that begins with what came before, not with nothing.
    search.begin({ ...wanted.peek().filter, limit: isNarrowed ? atOnce : firstRows })
    return () => {
      end()
      search.end()
      made.body.remove()
      list.current = null
      titleMark.value = ""
    }
  }, [key])

  useSignalEffect(() => list.current?.hideValues(valuesAreHidden.value))

  useEffect(() => {
    opened.value = null
    list.current?.select(null)
  }, [wanted.value.event])

  useEffect(
    () =>
      onKey((event) => {
        const target = event.target as Element
        if (event.key === "Escape" && (opened.peek() !== null || wanted.peek().event !== null)) close()
        if (event.key !== " " || target.closest("button, a, summary") !== null) return
        event.preventDefault()
        list.current?.hold("pause", !list.current.isPaused)
      }),
    [],
  )

  const { filter, event } = wanted.value
  const rate = status.value?.intake.rate ?? 0
  const lost = connection.value._tag === "Lost"
  const narrowedBy = kinds.find((kind) => filter[kind] !== undefined)
  const panel =
    opened.value !== null ? (
      <EventPanel key={opened.value.place} which={opened.value} onClose={close} />
    ) : event !== null ? (
      <FindPanel id={event} onClose={close} />
    ) : null
  const isEmpty = status.value !== null && !stepsOf(status.value).sent && !hasRows.value
  const says =
    lost && status.value !== null
      ? `as of ${clock(status.value.at)}`
      : isAnswered.value
        ? countSays(tally.value, rate, isNarrowed)
        : ""
  const rejected = status.value?.deadLetters["intake"] ?? 0
  const marks = Math.max(indexes.value.length, 1)
  return (
    <Page title="Live" width="wide" class={`live-page${panel === null ? "" : " has-panel"}`}>
      <header class="page-head">
        <h1>Live</h1>
        {narrowedBy !== undefined && (
          <span class="narrowed">
            <span>{narrowedBy}</span>
            <code>{shown(filter[narrowedBy]!)}</code>
            <IconButton
              label="Show all events again"
              icon="close"
              onClick={() => go(href("live", { category: filter.category }))}
            />
          </span>
        )}
        <div class="spacer" />
        <span class="live-count">{says}</span>
        <Button
          icon={isPaused.value ? "play" : "pause"}
          kind={isPaused.value ? "main" : "plain"}
          aria-keyshortcuts="Space"
          onClick={() => list.current?.hold("pause", !isPaused.value)}
        >
          {isPaused.value ? "Go on" : "Pause"}
        </Button>
      </header>
      <div class="live-bar">
        <Chips category={filter.category} />
        <a class="chip is-link" href="#/dead-letters?destination=intake">
          <Glyph mark="dead" />
          Rejected on arrival <b>{count(rejected)}</b>
        </a>
      </div>
      {!isNarrowed && names.value.length > 0 && <Minute names={names.value} />}
      {isNarrowed && (
        <SearchNotice
          search={search}
          filter={filter}
          isFound={hasRows.value}
          oldest={() => list.current?.rows.at(-1)?.[1]}
        />
      )}
      {isEmpty && (
        <div class="card">
          <Empty
            title="No event has arrived yet."
            actions={
              <Button kind="main" onClick={() => go("#/overview")}>
                First steps
              </Button>
            }
          >
            The overview has a line to paste into a terminal. Whatever arrives shows here at once.
          </Empty>
        </div>
      )}
      <div class="live-split" hidden={isEmpty}>
        <div
          class="live-list"
          style={{ "--marks": marks }}
          onPointerEnter={(pointed) => pointed.pointerType === "mouse" && list.current?.hold("pointer", true)}
          onPointerLeave={() => list.current?.hold("pointer", false)}
        >
          <button
            type="button"
            class="fresher"
            hidden={newer.value === 0}
            onClick={() => list.current?.goOn()}
          >
            {newerText(newer.value)}
          </button>
          <div class="live-grid" role="grid" aria-label="Events as they arrive" aria-rowcount={-1}>
            <Head ids={ids.value} indexes={indexes.value} />
            <div class="live-scroll" role="rowgroup" ref={scroller} />
            {isAnswered.value && !hasRows.value && (
              <p class="live-none">Nothing of this kind yet. What arrives shows here at once.</p>
            )}
          </div>
        </div>
        {panel !== null && <div class="panel-slot">{panel}</div>}
      </div>
      {!isEmpty && <Legend />}
    </Page>
  )
}
