import { useRef } from "preact/hooks"
import { call } from "../api/call.ts"
import type { NameRow } from "../api/rows.ts"
import { Icon } from "../parts/Icon.tsx"
import { keep, kept } from "../state/kept.ts"
import { go } from "../state/route.ts"
import { useSignal } from "../state/signals.ts"
import { status } from "../state/status.ts"
import { shown } from "../text/escape.ts"
import { type Suggestion, suggest } from "./suggest.ts"

const narrow = matchMedia("(max-width: 56.25em)")

/** Searches of this browser that led somewhere: the newest first. */
const recentKey = "recent"
const mostRecent = 5

const recent = (): ReadonlyArray<Suggestion> => {
  try {
    return JSON.parse(kept(recentKey, "[]")) as ReadonlyArray<Suggestion>
  } catch {
    return []
  }
}

const remember = (one: Suggestion): void => {
  const others = recent().filter(({ href }) => href !== one.href)
  keep(recentKey, JSON.stringify([one, ...others].slice(0, mostRecent)))
}

/** The names of the last day: loaded when somebody first looks for something. */
let names: ReadonlyArray<NameRow> | null = null

/** One box for ids, users, names and destinations. */
export const Find = () => {
  const input = useRef<HTMLInputElement>(null)
  const text = useSignal("")
  const isOpen = useSignal(false)
  const active = useSignal(0)
  const known = useSignal(names)

  const open = () => {
    isOpen.value = true
    active.value = 0
    if (names === null)
      void call("names/list", { limit: 1_000 }).then((reply) => {
        if (reply.ok) known.value = names = reply.value.names
      })
  }
  const close = () => {
    isOpen.value = false
  }
  const groups = isOpen.value
    ? suggest(text.value.trim(), known.value ?? [], status.value?.destinations ?? [], recent())
    : []
  const all = groups.flatMap(({ items }) => items)
  const at = Math.min(active.value, all.length - 1)
  const choose = (one: Suggestion) => {
    remember(one)
    close()
    text.value = ""
    input.current?.blur()
    go(one.href)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (by !== undefined && all.length > 0) {
      event.preventDefault()
      active.value = (at + by + all.length) % all.length
    }
    const chosen = all[at]
    if (event.key === "Enter" && chosen !== undefined) choose(chosen)
    if (event.key === "Escape") {
      close()
      input.current?.blur()
    }
  }
  let index = -1
  return (
    <div class="find" role="search">
      <Icon name="find" />
      <input
        ref={input}
        id="find"
        type="search"
        list={undefined}
        placeholder={narrow.matches ? "Find an event" : "Find an event by id, user or name"}
        autocomplete="off"
        spellcheck={false}
        role="combobox"
        aria-label="Find an event, a user, a name or a destination"
        aria-expanded={isOpen.value && all.length > 0}
        aria-controls="find-list"
        aria-autocomplete="list"
        aria-activedescendant={all.length > 0 ? `find-${at}` : undefined}
        value={text.value}
        onFocus={open}
        onBlur={close}
        onInput={(event) => {
          text.value = event.currentTarget.value
          open()
        }}
        onKeyDown={onKeyDown}
      />
      <kbd>/</kbd>
      <div id="find-list" class="find-list" role="listbox" aria-label="Suggestions" hidden={all.length === 0}>
        {groups.map(({ title, items }) => (
          <div key={title} role="group" aria-label={title}>
            <div class="find-title">{title}</div>
            {items.map((one) => {
              index += 1
              return (
                <a
                  key={one.href}
                  id={`find-${index}`}
                  class="find-option"
                  href={one.href}
                  role="option"
                  aria-selected={index === at}
                  tabIndex={-1}
                  // The box keeps the focus, or it would close before the click.
                  onMouseDown={(event) => event.preventDefault()}
                  onClick={(event) => {
                    event.preventDefault()
                    choose(one)
                  }}
                >
                  <code>{shown(one.text)}</code>
                  <small>{one.hint}</small>
                </a>
              )
            })}
          </div>
        ))}
      </div>
    </div>
  )
}
