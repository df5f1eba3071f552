import { existsSync, realpathSync, type Stats, statSync } from "node:fs"

/** What is noted of a file: by its time and its size a change shows. */
const noted = ["dev", "ino", "mtimeMs", "size"] as const

type Look = Readonly<Pick<Stats, (typeof noted)[number]>>

/**
 * What can be seen of the file and of its write-ahead log from outside; `undefined` where there is
 * none.
 */
export interface Looks {
  readonly file: Look | undefined
  readonly log: Look | undefined
}

const lookAt = (path: string): Look | undefined => statSync(path, { throwIfNoEntry: false })

/** SQLite has the write-ahead log beside the file that links lead to. */
export const logPathOf = (path: string): string => `${existsSync(path) ? realpathSync(path) : path}-wal`

export const looksOf = (path: string, logPath: string): Looks => ({
  file: lookAt(path),
  log: lookAt(logPath),
})

export const isSameFile = (one: Look | undefined, other: Look | undefined): boolean =>
  one?.dev === other?.dev && one?.ino === other?.ino

export const isUntouched = (one: Look | undefined, other: Look | undefined): boolean =>
  noted.every((name) => one?.[name] === other?.[name])

const valuesOf = ({ file, log }: Looks): ReadonlyArray<number> =>
  [file, log].flatMap((look) => noted.map((name) => look?.[name] ?? 0))

/**
 * What the files looked like when this process last left them, in memory that its threads share:
 * whoever reads sees whether somebody else has been at them. While the writing thread is at work
 * nobody can tell; it looks itself when it is done.
 */
export class FileMarks {
  static readonly bytes = (1 + 2 * noted.length) * Float64Array.BYTES_PER_ELEMENT

  readonly #memory: SharedArrayBuffer
  readonly #writing: Int32Array
  readonly #values: Float64Array

  constructor(memory = new SharedArrayBuffer(FileMarks.bytes)) {
    this.#memory = memory
    this.#writing = new Int32Array(memory, 0, 1)
    this.#values = new Float64Array(memory, Float64Array.BYTES_PER_ELEMENT)
  }

  /** For another thread to share. */
  get memory(): SharedArrayBuffer {
    return this.#memory
  }

  /** From now on the files may look otherwise. */
  begin(): void {
    Atomics.store(this.#writing, 0, 1)
  }

  /** The files are as they are to be left. */
  note(looks: Looks): void {
    this.#values.set(valuesOf(looks))
  }

  end(): void {
    Atomics.store(this.#writing, 0, 0)
  }

  /** Whether the files look as they were left, as far as that can be told. */
  areKept(path: string, logPath: string): boolean {
    if (Atomics.load(this.#writing, 0) === 1) return true
    const found = valuesOf(looksOf(path, logPath))
    return found.every((value, at) => value === this.#values[at])
  }
}
