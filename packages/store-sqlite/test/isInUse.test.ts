import { writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { expect, test } from "vitest"
import { openDatabase } from "../src/driver.ts"
import { isInUse } from "../src/index.ts"
import { freshPath } from "./support/store.ts"

test("a file is in use while somebody has it open, for reading too, even if nothing happens", () => {
  const path = freshPath()
  const writer = openDatabase(path, false, 0)
  writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (a)")
  expect(isInUse(path)).toBe(true)
  const reader = openDatabase(path, true, 0)
  reader.exec("SELECT * FROM t")
  writer.close()
  expect(isInUse(path)).toBe(true)
  reader.close()
  expect(isInUse(path)).toBe(false)
})

test("what is no database is in nobody's use", () => {
  const path = freshPath()
  writeFileSync(path, "x".repeat(4096))
  expect(isInUse(path)).toBe(false)
  expect(isInUse(dirname(path))).toBe(false)
})
