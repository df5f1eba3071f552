const two = (value: number): string => String(value).padStart(2, "0")

/** A time as `<input type="datetime-local">` has it, in the reader's own zone. */
export const toLocalInput = (time: number): string => {
  const date = new Date(time)
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`
}

/** `NaN` when it is empty, or no time. */
export const fromLocalInput = (text: string): number => (text === "" ? Number.NaN : new Date(text).getTime())
