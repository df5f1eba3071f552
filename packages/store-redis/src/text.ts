/**
 * How a text of the ports stands in Redis: as JSON, which holds every string (half a surrogate pair
 * and NUL, too) in valid UTF-8 without a line break, so that lines can separate texts.
 */
export const encode = (text: string): string => JSON.stringify(text)

export const decode = (encoded: string): string => JSON.parse(encoded) as string

/**
 * The order of code units: the same on every machine, and that of the other stores; Redis's is that
 * of UTF-8.
 */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
