import type { ComponentChild } from "preact"
import { useState } from "preact/hooks"
import { More, shownAtOnce } from "./More.tsx"

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
  /** What is said when there are no rows. */
  readonly none?: string
}

/** The first column names the row. Becomes a list where it does not fit. */
export const Table = <Row,>({ caption, columns, rows, keyOf, none, ...rest }: TableProps<Row>) => {
  const [shown, show] = useState(shownAtOnce)
  if (none !== undefined && rows.length === 0) return <p class="pad ink-3">{none}</p>
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
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, ...column }, at) => {
                const Cell = at === 0 ? "th" : "td"
                return (
                  // Each cell knows its column's name, which stands before it in a list.
                  <Cell
                    key={title}
                    scope={at === 0 ? "row" : undefined}
                    class={column.class}
                    data-label={title}
                  >
                    {cell(row)}
                  </Cell>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <More shown={shown} all={rows.length} onShow={show} />
    </>
  )
}
