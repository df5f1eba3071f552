import type { ComponentChild, ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { IconButton } from "./Button.tsx"
import { useId } from "./useId.ts"

export interface DialogProps {
  readonly title: ComponentChild
  readonly subtitle?: ComponentChild
  readonly size?: "small" | "medium" | "large" | "wide"
  readonly onClose: () => void
  readonly actions?: ComponentChildren
  readonly children?: ComponentChildren
}

/** The first thing to fill in, or the harmless button: not the cross in the corner. */
const firstOf = ".dialog-body :is(input, select, textarea), .dialog-foot button"

/** The browser's own modal dialog: it keeps the focus, closes by Escape, and gives it back. */
export const Dialog = ({ title, subtitle, size, onClose, actions, children }: DialogProps) => {
  const id = useId()
  const box = useRef<HTMLDialogElement>(null)
  const isGone = useRef(false)
  useEffect(() => {
    const dialog = box.current!
    const opener = document.activeElement
    dialog.showModal()
    const named = dialog.querySelector<HTMLElement>("[autofocus]")
    ;(named ?? dialog.querySelector<HTMLElement>(firstOf))?.focus()
    return () => {
      // Another one takes its place, or it has been closed already: nobody closes it now.
      isGone.current = true
      dialog.close()
      // The browser gives the focus back, but not for one that is out of the document by then.
      if (document.activeElement === document.body && opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  return (
    <dialog
      ref={box}
      class={`dialog${size === undefined ? "" : ` is-${size}`}`}
      aria-labelledby={id}
      onClose={() => {
        if (!isGone.current) onClose()
      }}
    >
      <header class="dialog-head">
        <div>
          <h2 id={id}>{title}</h2>
          {subtitle && <p>{subtitle}</p>}
        </div>
        <IconButton label="Close" icon="close" onClick={() => box.current?.close()} />
      </header>
      <div class="dialog-body">{children}</div>
      {actions && <footer class="dialog-foot">{actions}</footer>}
    </dialog>
  )
}
