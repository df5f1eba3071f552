import type { ComponentChildren } from "preact"
import { shown } from "../text/escape.ts"

interface FieldProps {
  readonly label: string
  /** Names what is said below, for `aria-describedby` of the input. */
  readonly id?: string
  /** What is wrong with it, in the API's words or in ours. */
  readonly mistake?: string | null
  readonly hint?: ComponentChildren
  readonly children: ComponentChildren
}

/** An input with its label, and below it what is to be known of it, or what is wrong. */
export const Field = ({ label, id, mistake, hint, children }: FieldProps) => (
  <div class="field">
    {/* biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children */}
    <label class="field">
      <span>{label}</span>
      {children}
    </label>
    <Said id={id} mistake={mistake}>
      {hint}
    </Said>
  </div>
)

interface SaidProps {
  readonly id?: string | undefined
  readonly mistake?: string | null | undefined
  readonly children?: ComponentChildren
}

/** Below a field: the mistake, or else the hint. */
export const Said = ({ id, mistake, children }: SaidProps) => {
  if (mistake)
    return (
      <p id={id} class="field-says ink-dead" role="alert">
        {shown(mistake)}
      </p>
    )
  return children ? (
    <p id={id} class="field-says">
      {children}
    </p>
  ) : null
}
