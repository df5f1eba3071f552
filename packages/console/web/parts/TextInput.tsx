export interface TextInputProps {
  readonly value: string
  readonly onText: (text: string) => void
  readonly type?: "url" | "search" | "range" | "datetime-local"
  readonly id?: string
  readonly class?: string
  readonly placeholder?: string
  readonly list?: string
  readonly inputmode?: "decimal"
  readonly min?: number
  readonly max?: number
  readonly required?: boolean
  readonly "aria-label"?: string
  readonly "aria-describedby"?: string
  readonly "aria-invalid"?: boolean
  readonly onKeyDown?: (event: KeyboardEvent) => void
}

/** A field for one line of text: names and paths, which no dictionary knows. */
export const TextInput = ({ onText, ...rest }: TextInputProps) => (
  <input
    type="text"
    spellcheck={false}
    autocomplete="off"
    {...(rest as object)}
    onInput={(event) => onText(event.currentTarget.value)}
  />
)
