const questionMark = "?"

/** Stands for any character in a part of a pattern. */
const anything = -1

/** Characters without a `*` among them, as code points or {@link anything}. */
type Part = ReadonlyArray<number>

const partOf = (text: string): Part =>
  Array.from(text, (letter) => (letter === questionMark ? anything : letter.codePointAt(0)!))

/** How many UTF-16 units a character takes. */
const width = (point: number): number => (point > 0xffff ? 2 : 1)

/** Where a part ends that begins at `start`; -1 when it does not. */
const endAt = (part: Part, text: string, start: number): number => {
  let at = start
  for (const expected of part) {
    if (at >= text.length) return -1
    const point = text.codePointAt(at)!
    if (expected !== anything && expected !== point) return -1
    at += width(point)
  }
  return at
}

/** Where the last characters of a text begin, so many of them; -1 when it has fewer. */
const startOfLast = (count: number, text: string): number => {
  let at = text.length
  for (let left = count; left > 0; left--) {
    if (at === 0) return -1
    const isPair = at > 1 && text.codePointAt(at - 2)! > 0xffff
    at -= isPair ? 2 : 1
  }
  return at
}

/** Where the first occurrence ends, from a place on and before another; -1 when there is none. */
type Find = (text: string, from: number, to: number) => number

/**
 * By Knuth, Morris and Pratt: what has matched tells how far to go back in the part, so that no
 * character of the text is looked at more than twice.
 */
const finderOfLetters = (part: Part): Find => {
  const borders = new Uint32Array(part.length)
  for (let at = 1, border = 0; at < part.length; at++) {
    while (border > 0 && part[at] !== part[border]) border = borders[border - 1]!
    if (part[at] === part[border]) border += 1
    borders[at] = border
  }
  return (text, from, to) => {
    let matched = 0
    for (let at = from; at < to; ) {
      const point = text.codePointAt(at)!
      while (matched > 0 && part[matched] !== point) matched = borders[matched - 1]!
      if (part[matched] === point) matched += 1
      at += width(point)
      if (matched === part.length) return at
    }
    return -1
  }
}

const bitsOf = (part: Part, isSet: (expected: number) => boolean): Int32Array => {
  const bits = new Int32Array(Math.ceil(part.length / 32))
  for (const [at, expected] of part.entries()) if (isSet(expected)) bits[at >> 5]! |= 1 << (at & 31)
  return bits
}

/**
 * With `?` among the letters, by Baeza-Yates and Gonnet: a bit for each beginning of the part that
 * has matched so far. Takes a step for each character of the text and each 32 characters of the
 * part, whatever they are.
 */
const finderWithGaps = (part: Part): Find => {
  const others = bitsOf(part, (expected) => expected === anything)
  const letters = new Map(
    part.map((letter) => [letter, bitsOf(part, (expected) => expected === anything || expected === letter)]),
  )
  const last = part.length - 1
  const matched = new Int32Array(others.length)
  return (text, from, to) => {
    matched.fill(0)
    for (let at = from; at < to; ) {
      const point = text.codePointAt(at)!
      const allowed = letters.get(point) ?? others
      let carry = 1
      for (let word = 0; word < matched.length; word++) {
        const before = matched[word]!
        matched[word] = ((before << 1) | carry) & allowed[word]!
        carry = before >>> 31
      }
      at += width(point)
      if ((matched[last >> 5]! & (1 << (last & 31))) !== 0) return at
    }
    return -1
  }
}

const finder = (part: Part): Find => (part.includes(anything) ? finderWithGaps(part) : finderOfLetters(part))

/**
 * Compiles a glob of the whole text: `*` for any characters, `?` for exactly one, case-sensitive.
 * The time it takes grows with the text's length, and not with what the text is: that is a sender's
 * to choose, and a regular expression, or a search that goes back, could be kept busy by it.
 */
export const glob = (pattern: string): ((text: string) => boolean) => {
  if (/^\*+$/.test(pattern)) return () => true
  if (!/[*?]/.test(pattern)) return (text) => text === pattern
  const texts = pattern.split(/\*+/)
  const beginning = texts[0]!
  if (texts.length === 2 && texts[1] === "" && !beginning.includes(questionMark)) {
    return (text) => text.startsWith(beginning)
  }
  const [first, ...others] = texts.map(partOf)
  const last = others.pop()
  if (last === undefined) return (text) => endAt(first!, text, 0) === text.length
  const between = others.map(finder)
  return (text) => {
    const end = startOfLast(last.length, text)
    if (end === -1 || endAt(last, text, end) !== text.length) return false
    let at = endAt(first!, text, 0)
    for (const find of between) {
      if (at === -1) return false
      at = find(text, at, end)
    }
    return at !== -1 && at <= end
  }
}

/** Whether at least one of the globs matches. */
export const anyGlob = (patterns: ReadonlyArray<string>): ((text: string) => boolean) => {
  const matchers = patterns.map(glob)
  return (text) => matchers.some((matches) => matches(text))
}
