import { CheckBox } from "./CheckBox.tsx"

interface ToggleProps {
  readonly label: string
  readonly on: boolean
  readonly onFlip: (on: boolean) => void
}

export const Toggle = ({ label, on, onFlip }: ToggleProps) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: the check-box is a component
  <label class="toggle">
    <CheckBox role="switch" aria-checked={on} checked={on} onFlip={onFlip} />
    <i aria-hidden="true" />
    <span>{label}</span>
  </label>
)
