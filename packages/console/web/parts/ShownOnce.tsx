import type { ComponentChildren } from "preact"
import { Copy } from "./Copy.tsx"

interface ShownOnceProps {
  readonly title: string
  readonly secret: string
  readonly label: string
  readonly children: ComponentChildren
}

/** A secret or a key that nobody is shown again. */
export const ShownOnce = ({ title, secret, label, children }: ShownOnceProps) => (
  <div class="secret">
    <div>
      <h3>{title}</h3>
      <p>{children}</p>
    </div>
    <div class="secret-line">
      <code>{secret}</code>
      <Copy text={secret} label={label} />
    </div>
  </div>
)
