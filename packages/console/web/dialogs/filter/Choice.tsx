import { CheckBox } from "../../parts/CheckBox.tsx"

interface ChoiceProps {
  readonly title: string
  readonly text: string
  readonly isOn: boolean
  readonly onFlip: (isOn: boolean) => void
}

/** A category that is sent, or not. */
export const Choice = ({ title, text, isOn, onFlip }: ChoiceProps) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: the check-box is a component
  <label class="choice">
    <CheckBox checked={isOn} onFlip={onFlip} />
    <span>
      <b>{title}</b>
      <small>{text}</small>
    </span>
  </label>
)
