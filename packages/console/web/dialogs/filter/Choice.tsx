interface ChoiceProps {
  readonly title: string
  readonly text: string
  readonly isOn: boolean
  readonly onFlip: (isOn: boolean) => void
}

/** A category that is sent, or not. */
export const Choice = ({ title, text, isOn, onFlip }: ChoiceProps) => (
  <label class="choice">
    <input type="checkbox" checked={isOn} onChange={(event) => onFlip(event.currentTarget.checked)} />
    <span>
      <b>{title}</b>
      <small>{text}</small>
    </span>
  </label>
)
