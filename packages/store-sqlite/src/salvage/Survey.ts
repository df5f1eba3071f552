import type { Row, Value } from "../driver.ts"
import { applicationId } from "../schema.ts"
import { names } from "../stamp.ts"
import { type Kind, nodeAt, type Walked, walk } from "./BTree.ts"
import { Pages } from "./Pages.ts"

/** A table as its records have it: the columns of its key first where it is kept as an index. */
interface Shape {
  readonly kind: Kind
  readonly columns: ReadonlyArray<string>
  /** Whether a record that belongs to nobody is of this table, by what its values are. */
  readonly fits: (values: ReadonlyArray<Value>) => boolean
}

const isInteger = (value: Value | undefined): boolean => typeof value === "number"

const isText = (value: Value | undefined): boolean => typeof value === "string"

/** A text with a NUL inside is kept as bytes. */
const isTextual = (value: Value | undefined): boolean => isText(value) || value instanceof Uint8Array

const isNull = (value: Value | undefined): boolean => value === null

const isMaybe = (is: (value: Value | undefined) => boolean) => (value: Value | undefined) =>
  isNull(value) || is(value)

type Test = (value: Value | undefined) => boolean

const are =
  (...tests: ReadonlyArray<Test>) =>
  (values: ReadonlyArray<Value>): boolean =>
    values.length === tests.length && tests.every((test, index) => test(values[index]))

const none = (): boolean => false

const isKind: Test = (value) => value === "server" || value === "client"

const entriesWere = are(
  isNull,
  ...[isInteger, isInteger, isInteger, isInteger],
  isText,
  ...[
    (value: Value | undefined) => value instanceof Uint8Array,
    (value: Value | undefined) => value instanceof Uint8Array,
  ],
)

const isEntry = (values: ReadonlyArray<Value>): boolean =>
  entriesWere(values.slice(0, 8)) && (values.length === 8 || (values.length === 9 && isInteger(values[8])))

const destinationsWere = [isTextual, isMaybe(isTextual), isMaybe(isInteger), isMaybe(isText), isInteger]

const destinationsAre = are(...destinationsWere, isMaybe(isText))

/** Records that were written before there was a column end in front of it. */
const isDestination = (values: ReadonlyArray<Value>): boolean =>
  are(...destinationsWere)(values) || destinationsAre(values)

export const shapes = {
  entries: {
    kind: "table",
    columns: [
      "position",
      "appended_at",
      "events",
      "total_events",
      "total_bytes",
      "id",
      "envelope",
      "body",
      "packed",
    ],
    fits: isEntry,
  },
  log: {
    kind: "table",
    columns: ["tail", "tail_at", "tail_events", "tail_bytes", "released"],
    fits: are(isInteger, isInteger, isInteger, isInteger, isInteger),
  },
  generations: { kind: "table", columns: ["generation", "number"], fits: are(isNull, isInteger) },
  cursors: {
    kind: "index",
    columns: ["name", "epoch", "position", "event_index", "state"],
    fits: are(isTextual, isInteger, isMaybe(isText), isMaybe(isInteger), isMaybe(isTextual)),
  },
  dead_letters: {
    kind: "table",
    columns: [
      "sequence",
      "dead_at",
      "bytes",
      "destination",
      "event_id",
      "reason",
      "status",
      "received_at",
      "replayed_at",
      "event_name",
      "message",
      "event",
    ],
    fits: are(
      isNull,
      ...[isInteger, isInteger],
      ...[isTextual, isTextual, isText],
      ...[isMaybe(isInteger), isInteger, isMaybe(isInteger)],
      ...[isTextual, isTextual, isTextual],
    ),
  },
  dead_letter_totals: { kind: "table", columns: ["letters", "bytes"], fits: none },
  attempts: {
    kind: "table",
    columns: [
      "sequence",
      "destination",
      "failed",
      "ordinal",
      "webhook_id",
      "started_at",
      "duration",
      "events",
      "bytes",
      "outcome",
      "status",
      "error",
      "wait",
      "wait_reason",
      "places",
    ],
    fits: none,
  },
  destinations: {
    kind: "index",
    columns: ["id", "config", "disabled_at", "disabled_reason", "created_at", "selection"],
    fits: isDestination,
  },
  keys: {
    kind: "index",
    columns: ["hash", "kind", "created_at"],
    fits: are(isText, isKind, isInteger),
  },
  counters: {
    kind: "index",
    columns: ["hour", "event_name", "count"],
    fits: are(isInteger, isTextual, isInteger),
  },
} satisfies Readonly<Record<string, Shape>>

export type TableName = keyof typeof shapes

/** Where the rows of a table stand. */
export interface Table extends Walked {
  /** Pages of rows that no tree leads to any more. */
  readonly orphans: ReadonlyArray<number>
}

const rowOf = (columns: ReadonlyArray<string>, values: ReadonlyArray<Value>, rowid: number | null): Row => ({
  // Columns that were added later stand in no record of before.
  packed: 0,
  ...Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null])),
  ...(rowid === null || values[0] !== null ? {} : { [columns[0]!]: rowid }),
})

/** Which pages of a file hold rows of which table. */
export class Survey {
  readonly pages: Pages
  /** The write-ahead log that stands beside the file is not its own, and was left out. */
  readonly isLogForeign: boolean
  readonly #tables: ReadonlyMap<TableName, Table>
  readonly #roots: ReadonlyMap<string, number>

  constructor(path: string) {
    this.pages = new Pages(path)
    this.isLogForeign = this.pages.hasLog && this.#isOlderThanLog()
    this.pages.applyLog(!this.isLogForeign)
    const { roots, indexes } = this.#schema()
    this.#roots = roots
    this.#tables = this.#survey(indexes)
  }

  get isOurs(): boolean {
    return this.pages.applicationId === applicationId || !this.pages.isHeaderSound
  }

  table(name: TableName): Table {
    return this.#tables.get(name)!
  }

  /** All rows of a table that can be read, in the order of its pages, and how many cannot. */
  rows(name: TableName): { readonly rows: ReadonlyArray<Row>; readonly lost: number } {
    const { pages, orphans } = this.table(name)
    const rows: Array<Row> = []
    let lost = 0
    for (const number of [...pages, ...orphans]) {
      for (const row of this.rowsOn(name, number)) {
        if (row === null) lost += 1
        else rows.push(row)
      }
    }
    return { rows, lost }
  }

  /** The rows on one page; `null` for one that cannot be read whole. */
  rowsOn(name: TableName, number: number): ReadonlyArray<Row | null> {
    const { columns } = shapes[name]
    return (nodeAt(this.pages, number)?.cells ?? []).map(({ rowid, record }) => {
      const values = record()
      return values === null ? null : rowOf(columns, values, rowid)
    })
  }

  /** One of the rows on a page, by its place there. */
  rowAt(name: TableName, page: number, cell: number): Row | null {
    const found = nodeAt(this.pages, page)?.cells[cell]
    const values = found?.record() ?? null
    return found === undefined || values === null ? null : rowOf(shapes[name].columns, values, found.rowid)
  }

  /** What SQLite's own sequences say, by name. */
  get sequences(): ReadonlyMap<string, number> {
    const root = this.#roots.get("sqlite_sequence")
    return root === undefined ? new Map() : this.#sequencesAt(root)
  }

  close(): void {
    this.pages.close()
  }

  #sequencesAt(root: number): ReadonlyMap<string, number> {
    const found = new Map<string, number>()
    for (const page of walk(this.pages, root, "table", new Set()).pages) {
      for (const { record } of nodeAt(this.pages, page)?.cells ?? []) {
        const [name, value] = record() ?? []
        if (typeof name === "string" && typeof value === "number") found.set(name, value)
      }
    }
    return found
  }

  /** As when a file is opened: see `isOlderThanLog`. */
  #isOlderThanLog(): boolean {
    const stampNow = () => {
      const root = this.#schema().roots.get("sqlite_sequence")
      const sequences = root === undefined ? new Map<string, number>() : this.#sequencesAt(root)
      return {
        isKnown: root !== undefined && this.pages.applicationId === applicationId,
        commits: sequences.get(names.commits) ?? 0,
        checkpointed: sequences.get(names.checkpointed) ?? 0,
        schema: this.pages.schemaVersion,
      }
    }
    this.pages.applyLog(true)
    const together = stampNow()
    this.pages.applyLog(false)
    const alone = stampNow()
    return (
      alone.isKnown &&
      together.isKnown &&
      (together.checkpointed > alone.commits || alone.schema > together.schema)
    )
  }

  /** The roots of all trees, by name, as far as they are known. */
  #schema() {
    const roots = new Map<string, number>()
    const indexes = new Set<number>()
    for (const page of walk(this.pages, 1, "table", new Set()).pages) {
      for (const { record } of nodeAt(this.pages, page)?.cells ?? []) {
        const [type, name, , root] = record() ?? []
        if (typeof name !== "string" || typeof root !== "number" || root === 0) continue
        if (type === "table") roots.set(name, root)
        else indexes.add(root)
      }
    }
    return { roots, indexes }
  }

  #survey(indexes: ReadonlySet<number>): ReadonlyMap<TableName, Table> {
    const seen = new Set<number>()
    walk(this.pages, 1, "table", seen)
    const walked = new Map<TableName, Walked>()
    for (const [name, { kind }] of Object.entries(shapes) as ReadonlyArray<[TableName, Shape]>) {
      const root = this.#roots.get(name)
      walked.set(
        name,
        root === undefined ? { pages: [], isWhole: false } : walk(this.pages, root, kind, seen),
      )
    }
    for (const [name, root] of this.#roots) {
      if (!(name in shapes)) walk(this.pages, root, "table", seen)
    }
    for (const root of indexes) walk(this.pages, root, "index", seen)
    const orphans = [...walked.values()].every(({ isWhole }) => isWhole)
      ? new Map<TableName, ReadonlyArray<number>>()
      : this.#orphans(seen, walked)
    return new Map([...walked].map(([name, table]) => [name, { ...table, orphans: orphans.get(name) ?? [] }]))
  }

  /** Looks at each page that no tree leads to and that is not known to be free. */
  #orphans(
    seen: ReadonlySet<number>,
    walked: ReadonlyMap<TableName, Walked>,
  ): ReadonlyMap<TableName, ReadonlyArray<number>> {
    const free = this.pages.free()
    const damaged = (Object.entries(shapes) as ReadonlyArray<[TableName, Shape]>).filter(
      ([name]) => walked.get(name)?.isWhole !== true,
    )
    const found = new Map<TableName, Array<number>>()
    for (let number = 2; number <= this.pages.count; number++) {
      if (seen.has(number) || free.has(number)) continue
      const node = nodeAt(this.pages, number)
      if (node === null || node.cells.length === 0) continue
      const values = node.cells.map(({ record }) => record()).find((record) => record !== null)
      const match = damaged.find(([, { kind, fits }]) => kind === node.kind && values != null && fits(values))
      if (match === undefined) continue
      found.set(match[0], [...(found.get(match[0]) ?? []), number])
    }
    return found
  }
}
