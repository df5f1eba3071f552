import type { ComponentChild, ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { IconButton } from "./Button.tsx"
import { useId } from "./useId.ts"

export interface PanelProps {
  readonly title: ComponentChild
  readonly isCode?: boolean
  readonly subtitle?: ComponentChild
  readonly menu?: ComponentChild
  readonly closing: string
  readonly onClose: () => void
  readonly foot?: ComponentChildren
  readonly children?: ComponentChildren
}

/** Beside the list on wide screens, over everything on narrow ones. It takes the focus. */
export const Panel = ({ title, isCode, subtitle, menu, closing, onClose, foot, children }: PanelProps) => {
  const id = useId()
  const head = useRef<HTMLHeadingElement>(null)
  useEffect(() => head.current?.focus(), [])
  return (
    <aside class="panel" aria-labelledby={id}>
      <header class="panel-head">
        <div>
          <h2 id={id} ref={head} tabIndex={-1} class={isCode ? "is-code" : ""}>
            {title}
          </h2>
          {subtitle && <p>{subtitle}</p>}
        </div>
        {menu}
        <IconButton label={closing} icon="close" onClick={onClose} data-closes />
      </header>
      <div class="panel-body">{children}</div>
      {foot && <footer class="panel-foot">{foot}</footer>}
    </aside>
  )
}
