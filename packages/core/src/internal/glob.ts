const isHigh = (unit: number): boolean => (unit & 0xfc00) === 0xd800
const isLow = (unit: number): boolean => (unit & 0xfc00) === 0xdc00

const star = 0x2a
const questionMark = 0x3f

/** How many UTF-16 units the character at `at` takes. */
const width = (text: string, at: number): number =>
  isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1)) ? 2 : 1

/**
 * Compiles a glob of the whole text: `*` for any characters, `?` for exactly one, case-sensitive. Never slower than the product of both
 * lengths: the text is a sender's to choose, and a regular expression could be kept busy by it.
 */
export const glob = (pattern: string): ((text: string) => boolean) => {
  if (/^\*+$/.test(pattern)) return () => true
  if (!/[*?]/.test(pattern)) return (text) => text === pattern
  return (text) => {
    let at = 0
    let next = 0
    /** Behind the last `*`, and where in the text it stops for now. */
    let resume = -1
    let stop = 0
    while (at < text.length) {
      const unit = next < pattern.length ? pattern.charCodeAt(next) : -1
      if (unit === star) {
        next += 1
        resume = next
        stop = at
      } else if (unit === questionMark) {
        next += 1
        at += width(text, at)
      } else if (unit === text.charCodeAt(at)) {
        next += 1
        at += 1
      } else if (resume !== -1) {
        stop += 1
        next = resume
        at = stop
      } else return false
    }
    while (pattern.charCodeAt(next) === star) next += 1
    return next === pattern.length
  }
}

/** Whether at least one of the globs matches. */
export const anyGlob = (patterns: ReadonlyArray<string>): ((text: string) => boolean) => {
  const matchers = patterns.map(glob)
  return (text) => matchers.some((matches) => matches(text))
}
