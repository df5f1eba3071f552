import { expect, it } from "vitest"
import { fileSystemOf } from "../src/environment.ts"
import { choice, number, numbers } from "../src/options.ts"
import { body, event, request } from "../src/requests.ts"

it("options are numbers and known names, with commas between them", () => {
  expect(numbers("events", "1,100")).toEqual([1, 100])
  expect(choice("encodings", "gzip,plain", ["plain", "gzip"])).toEqual(["gzip", "plain"])
})

it.each(["0", "-1", "ten", ""])("a mistake names the option: %s", (text) => {
  expect(() => number("rounds", text)).toThrow(/^--rounds: /)
  expect(() => choice("contestants", text, ["limit"])).toThrow(/^--contestants: .*limit/)
})

it("a path is on the file system of the longest mount point above it", () => {
  const mounts = "rootfs / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nother /tmpfoo xfs rw 0 0\n"
  expect(fileSystemOf("/tmp", mounts)).toBe("tmpfs")
  expect(fileSystemOf("/tmp/a/b", mounts)).toBe("tmpfs")
  expect(fileSystemOf("/tmpfoo", mounts)).toBe("xfs")
  expect(fileSystemOf("/var", mounts)).toBe("ext4")
  expect(fileSystemOf("/var", "")).toBe("unknown")
})

it("events are all of one length, and a request says how long its body is", () => {
  const lengths = [0, 9, 10, 999, 99_999].map((n) => JSON.stringify(event(n)).length)
  expect(new Set(lengths).size).toBe(1)
  expect(JSON.stringify(event(0, { padding: 7 })).length).toBe(lengths[0]! + 7)
  for (const encoding of ["plain", "gzip"] as const) {
    const bytes = request(10, { encoding })
    const headEnd = bytes.indexOf("\r\n\r\n") + 4
    const head = bytes.toString("latin1", 0, headEnd)
    expect(Number(/content-length: (\d+)/.exec(head)?.[1])).toBe(bytes.length - headEnd)
    if (encoding === "plain") expect(bytes.subarray(headEnd)).toEqual(body(10))
  }
})
