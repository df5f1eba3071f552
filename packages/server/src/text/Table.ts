import { printable } from "./SafeText.ts"

export interface Column<A> {
  readonly name: string
  readonly text: (row: A) => string
  /** Numbers stand under each other by their last digit. */
  readonly right?: boolean
}

/**
 * Counts one column for each character, as terminals do for most. Where one is wider, only the rest
 * of its line moves.
 */
const width = (text: string): number => [...text].length

/** Longer cells are cut: a table is for looking over, `--json` has it all. */
const maxCell = 80

const cell = (text: string): string => {
  const characters = [...printable(text)]
  return characters.length > maxCell ? `${characters.slice(0, maxCell - 1).join("")}…` : characters.join("")
}

/**
 * Rows under the columns' names, two spaces apart; ends with a line feed.
 *
 * @param heading shows the line of the names
 */
export const format = <A>(
  columns: ReadonlyArray<Column<A>>,
  rows: ReadonlyArray<A>,
  heading: (line: string) => string = (line) => line,
): string => {
  const lines = [
    columns.map(({ name }) => name),
    ...rows.map((row) => columns.map(({ text }) => cell(text(row)))),
  ]
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => width(line[at]!))))
  return lines
    .map((line, row) => {
      const cells = line.map((text, at) => {
        const space = " ".repeat(widths[at]! - width(text))
        return columns[at]!.right === true ? `${space}${text}` : `${text}${space}`
      })
      const text = cells.join("  ").trimEnd()
      return `${row === 0 ? heading(text) : text}\n`
    })
    .join("")
}
