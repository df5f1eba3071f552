import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { describeDisk, smallDisk } from "@millrace/test-servers"
import { expect, it, onTestFinished } from "vitest"
import { Reserve } from "../src/Reserve.ts"
import { freshPath } from "./support/store.ts"

const mebibyte = 1024 * 1024

it("has really got its room from the disk, and gives it back", () => {
  const path = freshPath()
  const reserve = new Reserve(path)
  const file = `${path}-reserve`
  expect(reserve.size).toBe(0)
  expect(reserve.grow(3 * mebibyte)).toBe("grown")
  expect(reserve.size).toBe(3 * mebibyte)
  expect(statSync(file).blocks * 512).toBeGreaterThanOrEqual(3 * mebibyte)
  // A file system that compresses gives no less for it.
  expect(gzipSync(readFileSync(file).subarray(0, 256 * 1024)).length).toBeGreaterThan(256 * 1024)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(reserve.grow(mebibyte)).toBe("grown")
  expect(reserve.size).toBe(3 * mebibyte)
  expect(reserve.shrink(mebibyte)).toBe(true)
  expect(reserve.shrink(mebibyte)).toBe(false)
  expect(reserve.size).toBe(mebibyte)
  expect(new Reserve(path).size).toBe(mebibyte)
})

it("writes through no link that somebody has put in its place", () => {
  const path = freshPath()
  const target = join(dirname(path), "target")
  symlinkSync(target, `${path}-reserve`)
  expect(new Reserve(path).grow(1)).toBe("refused")
  expect(existsSync(target)).toBe(false)
})

it.skipIf(process.getuid?.() === 0)(
  "is not taken for a full disk where it may not be made (only where files can be refused: not as root)",
  () => {
    const path = freshPath()
    chmodSync(dirname(path), 0o500)
    expect(new Reserve(path).grow(1)).toBe("refused")
    chmodSync(dirname(path), 0o700)
  },
)

describeDisk("on a disk without enough room", () => {
  it("is as large as before when it cannot be made larger", () => {
    const disk = smallDisk(4)
    onTestFinished(() => disk.remove())
    const reserve = new Reserve(join(disk.directory, "millrace.db"))
    expect(reserve.grow(mebibyte)).toBe("grown")
    expect(reserve.grow(5 * mebibyte)).toBe("full")
    expect(reserve.size).toBe(mebibyte)
  })
})
