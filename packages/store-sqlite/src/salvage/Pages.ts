import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs"
import { logPathOf } from "../FileMarks.ts"
import { type LogFrames, readFrames } from "./LogFrames.ts"

const magic = "SQLite format 3\0"

/** What a file has whose header does not say: as this program makes them. */
const usualPageSize = 16 * 1024

/** A database's header, in bytes. */
const headerSize = 100

/** Where a file's header says what: https://www.sqlite.org/fileformat.html */
const at = { pageSize: 16, reserved: 20, freeTrunk: 32, schema: 40, application: 68 } as const

const sizes: ReadonlySet<number> = new Set([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])

const open = (path: string) => {
  const file = openSync(path, "r")
  const { size } = fstatSync(file)
  /** Fewer bytes than asked for at the end, and where the disk cannot read. */
  const read = (offset: number, wanted: number): Buffer => {
    const bytes = Buffer.alloc(wanted)
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, wanted, offset))
    } catch {
      return bytes.subarray(0, 0)
    }
  }
  return { size, read, close: () => closeSync(file) }
}

type File = ReturnType<typeof open>

/**
 * The pages of a database, without SQLite: a damaged file is read as far as it can be, and is never
 * written to. What its write-ahead log has is laid over it.
 */
export class Pages {
  readonly #file: File
  readonly #log: File | undefined
  readonly #frames: LogFrames | null
  #isLogApplied = false
  readonly #size: number
  #count = 0
  #usable = 0
  #last: readonly [number: number, page: Buffer] | undefined

  constructor(path: string) {
    this.#file = open(path)
    const logPath = logPathOf(path)
    this.#log = existsSync(logPath) ? open(logPath) : undefined
    this.#frames = this.#log === undefined ? null : readFrames(this.#log.read)
    const header = this.#file.read(0, headerSize)
    const said = header.length === headerSize ? header.readUInt16BE(at.pageSize) : 0
    const size = said === 1 ? 65536 : said
    const isSaid = header.toString("latin1", 0, magic.length) === magic && sizes.has(size)
    this.#size = isSaid ? size : (this.#frames?.pageSize ?? usualPageSize)
    this.applyLog(true)
  }

  /** How many there are, as far as can be seen. */
  get count(): number {
    return this.#count
  }

  /** How much of a page holds content. */
  get usable(): number {
    return this.#usable
  }

  get isHeaderSound(): boolean {
    return this.page(1)?.toString("latin1", 0, magic.length) === magic
  }

  get applicationId(): number {
    return this.page(1)?.readUInt32BE(at.application) ?? 0
  }

  get schemaVersion(): number {
    return this.page(1)?.readUInt32BE(at.schema) ?? 0
  }

  get hasLog(): boolean {
    return (this.#frames?.offsets.size ?? 0) > 0
  }

  /** Whether what the write-ahead log has is laid over the file: it may be another's. */
  applyLog(isApplied: boolean): void {
    this.#isLogApplied = isApplied && this.#frames !== null
    this.#last = undefined
    this.#count = Math.ceil(this.#file.size / this.#size)
    if (this.#isLogApplied) {
      for (const number of this.#frames?.offsets.keys() ?? []) this.#count = Math.max(this.#count, number)
    }
    const reserved = this.page(1)?.[at.reserved] ?? 0
    this.#usable = this.#size - (this.isHeaderSound && reserved < 64 ? reserved : 0)
  }

  /** Pages are numbered from 1. `null` where there is none, or it cannot be read whole. */
  page(number: number): Buffer | null {
    if (this.#last?.[0] === number) return this.#last[1]
    const found = this.#read(number)
    if (found !== null) this.#last = [number, found]
    return found
  }

  /** The pages that are free, as far as the list of them can be followed. */
  free(): ReadonlySet<number> {
    const free = new Set<number>()
    let trunk = this.isHeaderSound ? this.page(1)!.readUInt32BE(at.freeTrunk) : 0
    while (trunk !== 0 && !free.has(trunk)) {
      const page = this.page(trunk)
      if (page === null) break
      free.add(trunk)
      const leaves = Math.min(page.readUInt32BE(4), Math.floor(this.#size / 4) - 2)
      for (let leaf = 0; leaf < leaves; leaf++) free.add(page.readUInt32BE(8 + 4 * leaf))
      trunk = page.readUInt32BE(0)
    }
    return free
  }

  close(): void {
    this.#file.close()
    this.#log?.close()
  }

  #read(number: number): Buffer | null {
    if (number < 1) return null
    const offset = this.#isLogApplied ? this.#frames?.offsets.get(number) : undefined
    const page =
      offset === undefined
        ? this.#file.read((number - 1) * this.#size, this.#size)
        : this.#log!.read(offset, this.#size)
    return page.length === this.#size ? page : null
  }
}
