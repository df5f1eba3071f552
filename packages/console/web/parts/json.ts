/** What field rules have done to a value, by its path. */
export type Changes = Readonly<Record<string, "dropped" | "hashed">>

/** One line of a JSON text: what is a key, a text, or another value is told, not marked up. */
export interface Line {
  readonly depth: number
  readonly key: string | null
  readonly value: string
  readonly kind: "text" | "atom" | "mark"
  /** Behind the value: a bracket, a comma. */
  readonly tail: string
  readonly change: "dropped" | "hashed" | null
}

/** Returns the lines of a value, as JSON is usually written, and at most so many of them. */
export const linesOf = (value: unknown, changes: Changes = {}, most = Number.POSITIVE_INFINITY) => {
  const lines: Array<Line> = []
  let total = 0
  const put = (line: Line) => {
    total += 1
    if (lines.length < most) lines.push(line)
  }
  const walk = (value: unknown, key: string | null, depth: number, path: string, tail: string): void => {
    const change = changes[path] ?? null
    const quoted = key === null ? null : JSON.stringify(key)
    if (typeof value !== "object" || value === null) {
      const kind = typeof value === "string" ? "text" : "atom"
      put({ depth, key: quoted, value: JSON.stringify(value) ?? "null", kind, tail, change })
      return
    }
    const isList = Array.isArray(value)
    const entries = Object.entries(value)
    const [open, close] = isList ? ["[", "]"] : ["{", "}"]
    if (entries.length === 0) {
      put({ depth, key: quoted, value: `${open}${close}`, kind: "mark", tail, change })
      return
    }
    put({ depth, key: quoted, value: open, kind: "mark", tail: "", change })
    for (const [at, [name, inner]] of entries.entries()) {
      const comma = at < entries.length - 1 ? "," : ""
      walk(inner, isList ? null : name, depth + 1, path === "" ? name : `${path}.${name}`, comma)
    }
    put({ depth, key: null, value: close, kind: "mark", tail, change: null })
  }
  walk(value, null, 0, "", "")
  return { lines, total }
}
