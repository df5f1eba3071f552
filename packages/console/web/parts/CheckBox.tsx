export interface CheckBoxProps {
  readonly checked: boolean
  readonly onFlip: (isOn: boolean) => void
  readonly role?: "switch"
  readonly "aria-checked"?: boolean
  readonly "aria-label"?: string
}

export const CheckBox = ({ onFlip, ...rest }: CheckBoxProps) => (
  <input type="checkbox" {...(rest as object)} onChange={(event) => onFlip(event.currentTarget.checked)} />
)
