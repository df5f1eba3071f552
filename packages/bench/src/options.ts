/** Options of the command line. All throw a `RangeError` that names the option. */
export const number = (option: string, text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new RangeError(`--${option}: expected a positive number, not "${text}"`)
  return value
}

/** Several, with commas between them. */
export const numbers = (option: string, text: string): ReadonlyArray<number> =>
  text.split(",").map((part) => number(option, part))

/** Several of the known names, with commas between them. */
export const choice = <Name extends string>(
  option: string,
  text: string,
  known: ReadonlyArray<Name>,
): ReadonlyArray<Name> =>
  text.split(",").map((part) => {
    const name = known.find((one) => one === part)
    if (name === undefined) throw new RangeError(`--${option}: "${part}" is none of ${known.join(", ")}`)
    return name
  })
