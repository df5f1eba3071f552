/** Writing that differs only so is the same name: `maxEvents`, `max_events`, `MAX-EVENTS`. */
const letters = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, "")

/** How many letters have to be put in, left out, replaced or exchanged with their neighbour. */
const distance = (from: string, to: string): number => {
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let row = 1; row <= from.length; row++) {
    const next = [row]
    for (let at = 1; at <= to.length; at++) {
      const isSame = from[row - 1] === to[at - 1]
      next[at] = Math.min(last[at]! + 1, next[at - 1]! + 1, last[at - 1]! + (isSame ? 0 : 1))
      const isExchanged = row > 1 && at > 1 && from[row - 1] === to[at - 2] && from[row - 2] === to[at - 1]
      if (isExchanged) next[at] = Math.min(next[at]!, beforeLast[at - 2]! + 1)
    }
    beforeLast = last
    last = next
  }
  return last[to.length]!
}

/** A misspelled name has most of its letters right, and at the most three of them wrong. */
const mostWrong = (name: string): number => Math.min(3, Math.floor(letters(name).length / 3))

/** Nobody means a name that is longer than this. */
const longest = 100

/** Finds the name that somebody has probably meant; `null` when none is near. */
export const nearest = (text: string, names: Iterable<string>): string | null => {
  if (text.length > longest) return null
  let found: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const name of names) {
    const wrong = distance(letters(text), letters(name))
    if (wrong >= least || wrong > mostWrong(name)) continue
    found = name
    least = wrong
  }
  return found
}

/** `: did you mean port?`, or nothing: to be put behind what says that there is no such name. */
export const didYouMean = (text: string, names: Iterable<string>): string => {
  const name = nearest(text, names)
  return name === null ? "" : `: did you mean ${name}?`
}
