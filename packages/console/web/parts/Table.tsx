import type { ComponentChild } from "preact"
import { useState } from "preact/hooks"
import { count } from "../text/numbers.ts"
import { Button } from "./Button.tsx"

export interface Column<Row> {
  readonly title: string
  readonly hint?: string
  /** `num` and `end` stand at the right, `only-wide` is left out where there is no room. */
  readonly class?: string
  readonly cell: (row: Row) => ComponentChild
}

export interface TableProps<Row> {
  /** Said to screen readers, and nowhere else: a heading stands above it. */
  readonly caption: string
  readonly columns: ReadonlyArray<Column<Row>>
  readonly rows: ReadonlyArray<Row>
  readonly keyOf: (row: Row) => string | number
  readonly class?: string
  /** The first column names the row. */
  readonly named?: boolean
  readonly rowClass?: (row: Row) => string
}

/** Rows at most in the document at first, and with each "Show more". */
const shownAtOnce = 100

/** Becomes a list where it does not fit: each cell knows its column's name. */
export const Table = <Row,>({
  caption,
  columns,
  rows,
  keyOf,
  named = true,
  rowClass,
  ...rest
}: TableProps<Row>) => {
  const [shown, show] = useState(shownAtOnce)
  return (
    <>
      <table class={`data ${rest.class ?? ""}`}>
        <caption class="sr">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={column.class} title={column.hint}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, shown).map((row) => (
            <tr key={keyOf(row)} class={rowClass?.(row)}>
              {columns.map((column, at) =>
                at === 0 && named ? (
                  <th key={column.title} scope="row" class={column.class} data-label={column.title}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.title} class={column.class} data-label={column.title}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown && (
        <p class="pad">
          <Button small onClick={() => show(shown + shownAtOnce)}>
            Show more
          </Button>{" "}
          <small>
            {count(shown)} of {count(rows.length)}
          </small>
        </p>
      )}
    </>
  )
}
