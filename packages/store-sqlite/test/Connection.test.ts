import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { pageSize } from "../src/Connection.ts"
import { layer } from "../src/index.ts"
import { applicationId, migrations } from "../src/schema.ts"
import { startChild } from "./support/process.ts"
import { connect, entry, freshPath, openingFails, query, readNumbers, withStore } from "./support/store.ts"

const create = (path: string, sql: string): void => {
  const database = connect(path)
  database.exec(sql)
  database.close()
}

/** A file of ours with ten entries. */
const makeStore = (path: string) =>
  withStore(path, ({ log }) =>
    Effect.forEach(
      Array.from({ length: 10 }, (_, index) => index),
      (index) => log.append([entry(index, 5000)]),
    ),
  )

describe("opening a file that is not ours", () => {
  const foreign: ReadonlyArray<readonly [what: string, reason: string, make: (path: string) => void]> = [
    ["text", "Corrupt", (path) => writeFileSync(path, "name,email\n".repeat(500))],
    ["a few bytes", "Corrupt", (path) => writeFileSync(path, "x")],
    ["another program's database", "Corrupt", (path) => create(path, "CREATE TABLE users (name TEXT)")],
    [
      "another program's database with a write-ahead log",
      "Corrupt",
      (path) => create(path, "PRAGMA journal_mode = WAL; CREATE TABLE users (name TEXT)"),
    ],
    [
      "a database with another application id",
      "Corrupt",
      (path) => create(path, "PRAGMA application_id = 1; PRAGMA user_version = 1; CREATE TABLE entries (id)"),
    ],
    [
      "a database of a newer version",
      "Incompatible",
      (path) =>
        create(
          path,
          `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${migrations.length + 1}`,
        ),
    ],
  ]

  it.each(foreign)("%s: %s, and the file is left as it was", async (_, reason, make) => {
    const path = freshPath()
    make(path)
    const before = readFileSync(path)
    const error = await openingFails(path)
    expect(error.reason._tag).toBe(reason)
    expect(error.message).toContain(path)
    expect(error.message).not.toContain("\n")
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it("does not bring another program's write-ahead log into its file", async () => {
    const path = freshPath()
    // As after a crash: the log is there, and nobody has the file open.
    const other = connect(`${path}-original`)
    other.exec("PRAGMA journal_mode = WAL; CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('a')")
    for (const suffix of ["", "-wal"]) writeFileSync(path + suffix, readFileSync(`${path}-original${suffix}`))
    const before = ["", "-wal"].map((suffix) => readFileSync(path + suffix))
    expect((await openingFails(path)).reason._tag).toBe("Corrupt")
    expect(["", "-wal"].map((suffix) => readFileSync(path + suffix))).toEqual(before)
    expect(query(connect(path), "SELECT name FROM users")).toMatchObject({ name: "a" })
  })
})

describe("opening a path that leads nowhere", () => {
  it("says that the directory is missing, and does not make it", async () => {
    const path = join(dirname(freshPath()), "missing", "millrace.db")
    const error = await openingFails(path)
    expect(error.reason._tag).toBe("Unavailable")
    expect(error.message).toContain(`the directory ${dirname(path)} does not exist`)
    expect(existsSync(dirname(path))).toBe(false)
  })

  it("says that it is a directory", async () => {
    const path = freshPath()
    mkdirSync(path)
    const error = await openingFails(path)
    expect(error.reason._tag).toBe("Unavailable")
    expect(error.message).toBe(`${path} is a directory`)
  })

  it("says that a part of it is a file", async () => {
    const path = freshPath()
    writeFileSync(path, "")
    const error = await openingFails(join(path, "millrace.db"))
    expect(error.reason._tag).toBe("Unavailable")
    expect(error.message).toMatch(/ENOTDIR|is not a directory/)
  })

  it("says that it must not be written", async () => {
    const path = freshPath()
    await makeStore(path)
    chmodSync(dirname(path), 0o755)
    chmodSync(path, 0o444)
    // Root may write what nobody may, so a child that is not root opens it.
    const child = startChild("open", path)
    await child.said(1)
    expect(child.lines[0]).toMatch(/^ReadOnly .*read-only/)
    expect(await child.ended).toBe(0)
  })

  it.each(["", ":memory:"])("takes the path %j for a mistake of the program", (path) => {
    expect(() => layer({ path })).toThrow(RangeError)
  })

  it.each([0, -1, Number.NaN])("takes a cap of %d bytes for a mistake of the program", (maxBytes) => {
    expect(() => layer({ path: freshPath(), maxBytes })).toThrow(RangeError)
  })

  it.each([0, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY])(
    "takes no request timeout of %s",
    (requestTimeout) => {
      expect(() => layer({ path: freshPath(), requestTimeout })).toThrow(RangeError)
    },
  )
})

describe("opening a file of ours", () => {
  it("takes an empty file, and one database nobody has used", async () => {
    const [empty, unused] = [freshPath(), freshPath()]
    writeFileSync(empty, "")
    create(unused, "PRAGMA journal_mode = WAL; CREATE TABLE t (a); DROP TABLE t")
    for (const path of [empty, unused]) {
      expect(await withStore(path, ({ log }) => log.append([entry(1)]))).toHaveLength(1)
    }
  })

  it("makes a file that says whose it is", async () => {
    const path = freshPath()
    await makeStore(path)
    const database = connect(path)
    expect(query(database, "PRAGMA application_id").application_id).toBe(applicationId)
    expect(query(database, "PRAGMA user_version").user_version).toBe(migrations.length)
    expect(query(database, "PRAGMA journal_mode").journal_mode).toBe("wal")
  })

  it("leaves one file when it is closed", async () => {
    const path = freshPath()
    await makeStore(path)
    expect(["", "-wal", "-shm"].map((suffix) => existsSync(path + suffix))).toEqual([true, false, false])
  })

  it("can be made by several at the same moment", async () => {
    const path = freshPath()
    await Promise.all(
      Array.from({ length: 4 }, (_, index) => withStore(path, ({ log }) => log.append([entry(index)]))),
    )
    const numbers = await withStore(path, ({ log }) => readNumbers(log))
    expect(numbers.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
  })

  it("reports damage as such, on opening or on reading", { timeout: 120_000 }, async () => {
    const path = freshPath()
    await makeStore(path)
    const pages = Math.floor(statSync(path).size / pageSize)
    let damaged = 0
    for (let page = 1; page < pages; page++) {
      const original = readFileSync(path)
      const file = openSync(path, "r+")
      writeSync(file, Buffer.alloc(pageSize, 0xa5), 0, pageSize, page * pageSize)
      closeSync(file)
      const outcome = await withStore(path, ({ log }) =>
        log.read(0, Position.origin, { maxEntries: 100, maxBytes: 1 << 20 }),
      ).catch((error: unknown) => error)
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ _tag: "StoreError", reason: { _tag: "Corrupt" } })
        damaged += 1
      }
      writeFileSync(path, original)
    }
    expect(damaged).toBeGreaterThan(0)
  })

  it("says that it is locked", async () => {
    const path = freshPath()
    await makeStore(path)
    const other = connect(path)
    other.exec("BEGIN EXCLUSIVE")
    const error = await openingFails(path, { busyTimeout: 20 })
    expect(error.reason._tag).toBe("Unavailable")
    expect(error.message).toContain("locked")
    other.exec("ROLLBACK")
    expect(await withStore(path, ({ log }) => readNumbers(log))).toHaveLength(10)
  })
})
