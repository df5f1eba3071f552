import type { ComponentChildren } from "preact"
import { useRef } from "preact/hooks"
import { locked } from "../state/status.ts"
import { Icon, type IconName } from "./Icon.tsx"
import { useId } from "./useId.ts"

export interface MenuItem {
  readonly text: string
  readonly hint?: string
  readonly danger?: boolean
  readonly changes?: boolean
  readonly href?: string
  readonly icon?: IconName
  readonly onClick?: () => void
}

const Item = ({ item, close }: { readonly item: MenuItem; readonly close: () => void }) => {
  const inside = (
    <>
      {item.icon && <Icon name={item.icon} />}
      <span>{item.text}</span>
      {item.hint && <small>{item.hint}</small>}
    </>
  )
  const kind = `menu-item${item.danger ? " is-danger" : ""}${item.icon ? " with-icon" : ""}`
  if (item.href !== undefined)
    return (
      <a class={kind} href={item.href} onClick={close}>
        {inside}
      </a>
    )
  const why = item.changes === true ? locked.value : null
  return (
    <button
      type="button"
      class={kind}
      aria-disabled={why === null ? undefined : "true"}
      title={why ?? undefined}
      onClick={() => {
        if (why !== null) return
        close()
        item.onClick?.()
      }}
    >
      {inside}
    </button>
  )
}

export interface MenuProps {
  readonly label: string
  /** `null` draws a line between groups. */
  readonly items: ReadonlyArray<MenuItem | null>
  /** What opens it, instead of three dots. */
  readonly button?: { readonly class: string; readonly current?: boolean; readonly inside: ComponentChildren }
}

/** The browser's popover: it closes by Escape and by a click beside it, and takes the focus. */
export const Menu = ({ label, items, button }: MenuProps) => {
  const id = useId()
  const opener = useRef<HTMLButtonElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const close = () => list.current?.hidePopover()

  const place = (event: Event) => {
    if ((event as ToggleEvent).newState !== "open" || list.current === null || opener.current === null) return
    const { style, offsetWidth, offsetHeight } = list.current
    const at = opener.current.getBoundingClientRect()
    const below = at.bottom + 4
    const top = below + offsetHeight > innerHeight - 8 ? at.top - offsetHeight - 4 : below
    const left = Math.min(at.right - offsetWidth, innerWidth - offsetWidth - 8)
    style.top = `${Math.max(8, top)}px`
    style.left = `${Math.max(8, left)}px`
    list.current.querySelector<HTMLElement>(".menu-item")?.focus()
  }

  const move = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (by === undefined) return
    event.preventDefault()
    const all = [...list.current!.querySelectorAll<HTMLElement>(".menu-item")]
    const at = all.indexOf(document.activeElement as HTMLElement)
    all[(at + by + all.length) % all.length]?.focus()
  }

  const kind = button === undefined ? { class: "icon-button" } : { class: button.class }
  return (
    <span class="menu-holder">
      <button
        ref={opener}
        type="button"
        {...kind}
        popovertarget={id}
        aria-haspopup="true"
        aria-label={button === undefined ? label : undefined}
        title={button === undefined ? label : undefined}
        aria-current={button?.current ? "page" : undefined}
      >
        {button === undefined ? <Icon name="more" /> : button.inside}
      </button>
      <div ref={list} id={id} class="menu" popover="auto" onToggle={place} onKeyDown={move}>
        {items.map((item, at) =>
          item === null ? <hr key={at} /> : <Item key={at} item={item} close={close} />,
        )}
      </div>
    </span>
  )
}
