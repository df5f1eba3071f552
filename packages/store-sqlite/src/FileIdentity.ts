import { closeSync, existsSync, fsyncSync, openSync, realpathSync, renameSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { openAsItIs } from "./driver.ts"
import { corrupt, Refusal, unavailable } from "./errors.ts"
import { type FileMarks, isSameFile, isUntouched, type Looks, logPathOf, looksOf } from "./FileMarks.ts"
import { makeOwnFile } from "./ownFile.ts"
import { putAside } from "./putAside.ts"
import { type Stamp, stampIn } from "./stamp.ts"

/** What has become of the files that were opened. */
export type Displacement =
  /** The file is not at its path, nor is another of this store. */
  | "gone"
  /** Another file of this store is there: an earlier copy, say. */
  | "replaced"
  /** The write-ahead log is gone, and nobody has begun another. */
  | "log gone"
  /** Somebody has begun another write-ahead log. */
  | "log replaced"
  /** Somebody writes into the file, or has put into it what is none of this store. */
  | "changed"
  /** An earlier copy has been written into the file. */
  | "overwritten"

/** Thrown when what was written may be where nobody will find it. */
export class Displaced extends Refusal {
  readonly what: Displacement

  constructor(what: Displacement, { reason, message }: Refusal) {
    super(reason, message)
    this.what = what
  }
}

/** A file that looks the same for so long, in ms, is not being written any more. */
const settledAfter = 1_000

const syncDirectory = (path: string): void => {
  const directory = openSync(path, "r")
  fsyncSync(directory)
  closeSync(directory)
}

const syncFile = (path: string): void => {
  const file = openSync(path, "r+")
  fsyncSync(file)
  closeSync(file)
}

/**
 * Tells whether the path still leads to the file that was opened, with what this process has left
 * in it, and its write-ahead log to the one that is written. When somebody has moved, deleted or
 * replaced one of them, writes go on without an error into a file that nobody will find again; and
 * where an earlier copy has been written into the file, what the log holds would be mixed into
 * that. So nothing may be acknowledged then.
 *
 * To be made while a connection is open, which keeps the write-ahead log where it is.
 */
export class FileIdentity {
  readonly #path: string
  readonly #logPath: string
  readonly #marks: FileMarks
  readonly #schema: () => number
  readonly #opened: Looks
  /**
   * As it was when all that is in it was known to come from here, or from others that have it open.
   */
  #left: Looks["file"]
  /** What the file itself holds, at the least. */
  #atLeast: Pick<Stamp, "commits" | "schema">
  /** What it looks like since somebody has changed it, and since when. */
  #change: { readonly look: Looks["file"]; readonly since: number } | undefined
  /** The last {@link check} did not find what was opened. */
  #isMissed = false

  /**
   * @param marks where it is noted for others how the files are left
   * @param schema SQLite's count of changes of the schema
   */
  constructor(path: string, marks: FileMarks, schema: () => number) {
    this.#path = path
    // SQLite has it beside the file that links lead to.
    this.#logPath = logPathOf(path)
    this.#marks = marks
    this.#schema = schema
    this.#opened = looksOf(path, this.#logPath)
    this.#left = this.#opened.file
    this.#atLeast = stampIn(path) ?? { commits: 0, schema: 0 }
    marks.note(this.#opened)
  }

  /** To be asked after each commit, before anybody is told of it. */
  check(): void {
    const displaced = this.find()
    if (displaced !== null) throw displaced
  }

  /**
   * Looks again before anything is written where the last look has failed: whoever has begun
   * another file at the path may have the write-ahead log in common with this one.
   */
  checkIfMissed(): void {
    if (this.#isMissed) this.check()
  }

  /** What has become of the files; `null` when they are what was opened. */
  find(): Displaced | null {
    const looks = looksOf(this.#path, this.#logPath)
    const found = this.#find(looks)
    this.#isMissed = found !== null
    if (found !== null) return found
    this.#left = looks.file
    this.#change = undefined
    this.#marks.note(looks)
    return null
  }

  /** After the write-ahead log has been brought into the file here: it looks otherwise now. */
  checkpointed(commits: number | null): void {
    const looks = looksOf(this.#path, this.#logPath)
    if (!isSameFile(looks.file, this.#opened.file)) return
    this.#left = looks.file
    this.#marks.note(looks)
    if (commits !== null) this.#atLeast = { ...this.#atLeast, commits }
  }

  /**
   * Makes way for the file that has been put in the place of the one that was opened.
   *
   * @returns where the write-ahead log was put aside to; `null` when it was not left there
   */
  makeWay(): string | null {
    const { log } = looksOf(this.#path, this.#logPath)
    return log !== undefined && isSameFile(log, this.#opened.log) ? putAside(this.#logPath) : null
  }

  /**
   * Puts what has been written into the file into one of its own, in its place: whoever has it
   * open, here and elsewhere, then is known to be displaced, and brings nothing into it any more.
   */
  setApart(): void {
    const path = realpathSync(this.#path)
    const apart = `${path}-restored`
    rmSync(apart, { force: true })
    makeOwnFile(apart)
    const written = openAsItIs(path)
    try {
      written.exec(`VACUUM INTO '${apart.replaceAll("'", "''")}'`)
    } finally {
      written.close()
    }
    syncFile(apart)
    renameSync(apart, path)
    syncDirectory(dirname(path))
  }

  #find({ file, log }: Looks): Displaced | null {
    if (!isSameFile(file, this.#opened.file)) {
      const isOther = existsSync(this.#path) && stampIn(this.#path) !== null
      return new Displaced(
        isOther ? "replaced" : "gone",
        unavailable(`${this.#path} has been moved, deleted or replaced while it was open`),
      )
    }
    if (!isSameFile(log, this.#opened.log)) {
      return new Displaced(
        log === undefined ? "log gone" : "log replaced",
        unavailable(
          `${this.#logPath} has been moved, deleted or replaced while it was open: stop the process that has it open, by SIGTERM`,
        ),
      )
    }
    return isUntouched(file, this.#left) ? null : this.#weigh(file)
  }

  /**
   * The file alone may be behind what its write-ahead log adds to it, and not behind what it was.
   */
  #isOfThisLog({ commits, schema }: Stamp): boolean {
    return commits >= this.#atLeast.commits && schema >= this.#atLeast.schema && schema <= this.#schema()
  }

  /**
   * Somebody else has written into the file: another process that has brought the write-ahead log
   * into it, or one that knows nothing of that.
   */
  #weigh(look: Looks["file"]): Displaced | null {
    const stamp = stampIn(this.#path)
    if (stamp !== null && this.#isOfThisLog(stamp)) {
      this.#atLeast = stamp
      return null
    }
    if (this.#change === undefined || !isUntouched(look, this.#change.look)) {
      this.#change = { look, since: performance.now() }
    }
    if (performance.now() - this.#change.since < settledAfter) {
      return new Displaced("changed", unavailable(`${this.#path} is being changed by another program`))
    }
    return stamp === null
      ? new Displaced(
          "changed",
          corrupt(`${this.#path}: damaged: another program has written into it while it was open`),
        )
      : new Displaced(
          "overwritten",
          unavailable(`an earlier copy has been written into ${this.#path} while it was open`),
        )
  }
}
