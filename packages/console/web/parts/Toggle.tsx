interface ToggleProps {
  readonly label: string
  readonly on: boolean
  readonly onFlip: (on: boolean) => void
}

export const Toggle = ({ label, on, onFlip }: ToggleProps) => (
  <label class="toggle">
    <input
      type="checkbox"
      role="switch"
      aria-checked={on}
      checked={on}
      onChange={(event) => onFlip(event.currentTarget.checked)}
    />
    <i aria-hidden="true" />
    <span>{label}</span>
  </label>
)
