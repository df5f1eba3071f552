interface RadiosProps<A extends string> {
  readonly legend: string
  readonly name: string
  /** What it stands for, what it is called, and what is to be known of it. */
  readonly options: ReadonlyArray<readonly [value: A, title: string, hint?: string]>
  readonly value: A
  readonly onPick: (value: A) => void
}

/** One of a few that need a word of explanation: radio buttons below each other. */
export const Radios = <A extends string>({ legend, name, options, value, onPick }: RadiosProps<A>) => (
  <fieldset class="field">
    <legend>{legend}</legend>
    {options.map(([id, title, hint]) => (
      <label key={id} class="radio">
        <input type="radio" name={name} checked={value === id} onChange={() => onPick(id)} />
        <span>
          {title} {hint && <small>{hint}</small>}
        </span>
      </label>
    ))}
  </fieldset>
)
