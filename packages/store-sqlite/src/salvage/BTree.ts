import type { Value } from "../driver.ts"
import type { Pages } from "./Pages.ts"

/** A tree is that of a table by rowid, or of an index, or of a table that is kept as one. */
export type Kind = "table" | "index"

export interface Cell {
  /** `null` in an index. */
  readonly rowid: number | null
  /** The record, with what of it stands on other pages; `null` when that cannot be read. */
  readonly record: () => ReadonlyArray<Value> | null
}

/** A page of a tree. */
export interface Node {
  readonly kind: Kind
  readonly isLeaf: boolean
  readonly cells: ReadonlyArray<Cell>
  /** The pages below it, in order. */
  readonly children: ReadonlyArray<number>
}

/** What the first byte of a page says. */
const types: ReadonlyMap<number, readonly [kind: Kind, isLeaf: boolean]> = new Map([
  [2, ["index", false]],
  [5, ["table", false]],
  [10, ["index", true]],
  [13, ["table", true]],
])

/** The header of the database stands in front of that of the first page. */
const headerOf = (number: number): number => (number === 1 ? 100 : 0)

/** SQLite's numbers of one to nine bytes. Returns the value, and where it ends. */
const varint = (bytes: Buffer, at: number): readonly [value: number, end: number] => {
  let value = 0n
  for (let index = 0; index < 9; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) throw new RangeError("the page ends inside a number")
    if (index === 8) return [Number(BigInt.asIntN(64, (value << 8n) | BigInt(byte))), at + 9]
    value = (value << 7n) | BigInt(byte & 0x7f)
    if (byte < 0x80) return [Number(value), at + index + 1]
  }
  throw new RangeError("not reached")
}

const integerSizes = [0, 1, 2, 3, 4, 6, 8] as const

const decoder = new TextDecoder("utf-8", { fatal: true })

/** A value of a record, by its type. Returns how many bytes it has, too. */
const valueAt = (bytes: Buffer, at: number, type: number): readonly [value: Value, size: number] => {
  if (type === 0) return [null, 0]
  if (type === 8 || type === 9) return [type - 8, 0]
  const size = type < 7 ? integerSizes[type]! : type === 7 ? 8 : Math.floor((type - 12) / 2)
  if (type === 10 || type === 11 || at + size > bytes.length) throw new RangeError("no such value")
  if (type === 6) return [Number(bytes.readBigInt64BE(at)), size]
  if (type < 6) return [bytes.readIntBE(at, size), size]
  if (type === 7) return [bytes.readDoubleBE(at), size]
  const content = bytes.subarray(at, at + size)
  return [type % 2 === 1 ? decoder.decode(content) : new Uint8Array(content), size]
}

const decode = (record: Buffer): ReadonlyArray<Value> => {
  const values: Array<Value> = []
  const [headerEnd, first] = varint(record, 0)
  if (headerEnd > record.length) throw new RangeError("the record is shorter than its header")
  let [at, content] = [first, headerEnd]
  while (at < headerEnd) {
    const [type, next] = varint(record, at)
    const [value, size] = valueAt(record, content, type)
    values.push(value)
    at = next
    content += size
  }
  if (content !== record.length) throw new RangeError("the record has another size than its header says")
  return values
}

/** How much of a record stands on the page itself. */
const localSize = (kind: Kind, usable: number, size: number): number => {
  const most = kind === "table" ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23
  if (size <= most) return size
  const least = Math.floor(((usable - 12) * 32) / 255) - 23
  const fitting = least + ((size - least) % (usable - 4))
  return fitting <= most ? fitting : least
}

/** A record whole: `null` when a page that it goes on with cannot be read. */
const gather = (pages: Pages, page: Buffer, at: number, kind: Kind, size: number): Buffer | null => {
  const { usable } = pages
  const local = localSize(kind, usable, size)
  if (at + local > page.length) return null
  if (local === size) return page.subarray(at, at + local)
  const whole = Buffer.alloc(size)
  page.copy(whole, 0, at, at + local)
  let next = page.readUInt32BE(at + local)
  let done = local
  for (; done < size && next !== 0; ) {
    const more = pages.page(next)
    if (more === null) return null
    const part = Math.min(usable - 4, size - done)
    more.copy(whole, done, 4, 4 + part)
    done += part
    next = more.readUInt32BE(0)
  }
  // It ends where its size says: a page of something else would go on, or would have ended before.
  return done === size && next === 0 ? whole : null
}

const cellAt = (pages: Pages, page: Buffer, start: number, kind: Kind): Cell => {
  const [size, afterSize] = varint(page, start)
  const [rowid, at] = kind === "table" ? varint(page, afterSize) : [null, afterSize]
  if (size > 1e9 || size < 0) throw new RangeError("no record is as large as that")
  return {
    rowid,
    record: () => {
      try {
        const whole = gather(pages, page, at, kind, size)
        return whole === null ? null : decode(whole)
      } catch {
        return null
      }
    },
  }
}

/** A page of a tree; `null` for one that is none, or is damaged. */
export const nodeAt = (pages: Pages, number: number): Node | null => {
  const page = pages.page(number)
  const header = headerOf(number)
  const type = page === null ? undefined : types.get(page[header]!)
  if (page === null || type === undefined) return null
  const [kind, isLeaf] = type
  const count = page.readUInt16BE(header + 3)
  const pointers = header + (isLeaf ? 8 : 12)
  if (pointers + 2 * count > page.length) return null
  try {
    const cells: Array<Cell> = []
    const children: Array<number> = []
    for (let index = 0; index < count; index++) {
      const start = page.readUInt16BE(pointers + 2 * index)
      if (start < pointers + 2 * count || start >= page.length) return null
      if (!isLeaf) children.push(page.readUInt32BE(start))
      // An inner page of a table has no rows, that of an index has.
      if (isLeaf || kind === "index") cells.push(cellAt(pages, page, isLeaf ? start : start + 4, kind))
    }
    if (!isLeaf) children.push(page.readUInt32BE(header + 8))
    return { kind, isLeaf, cells, children }
  } catch {
    return null
  }
}

/** What could be reached of a tree. */
export interface Walked {
  /** The pages that hold rows, in order. */
  readonly pages: ReadonlyArray<number>
  /** Whether none of its pages was missing or damaged. */
  readonly isWhole: boolean
}

/** @param seen to which the pages of the tree are added */
export const walk = (pages: Pages, root: number, kind: Kind, seen: Set<number>): Walked => {
  const found: Array<number> = []
  let isWhole = true
  const visit = (number: number): void => {
    const node = seen.has(number) ? null : nodeAt(pages, number)
    if (node === null || node.kind !== kind) {
      isWhole = false
      return
    }
    seen.add(number)
    if (node.cells.length > 0) found.push(number)
    for (const child of node.children) visit(child)
  }
  visit(root)
  return { pages: found, isWhole }
}
