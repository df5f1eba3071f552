import { useId } from "./useId.ts"

interface SegmentsProps<A extends string> {
  readonly label: string
  readonly options: ReadonlyArray<A>
  readonly value: A
  readonly onPick: (option: A) => void
}

/** One of a few: radio buttons side by side. */
export const Segments = <A extends string>({ label, options, value, onPick }: SegmentsProps<A>) => {
  const name = useId()
  return (
    <div class="segments" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => onPick(option)} />
          <span>{option}</span>
        </label>
      ))}
    </div>
  )
}
