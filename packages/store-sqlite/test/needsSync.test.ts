import { expect, test } from "vitest"
import { needsSync } from "../src/needsSync.ts"
import type { Call } from "../src/protocol.ts"

const call = (table: Call["table"], method: string): Call => ({ table, method, parameters: [] })
const appends = {
  ids: "",
  index: new Float64Array(),
  bytes: new SharedArrayBuffer(0),
  counts: new Uint32Array(),
}

test("saves of cursors, attempts and counts wait for no sync of the disk, as long as nothing else is with them", () => {
  const repeatable = [call("cursors", "save"), call("attempts", "append"), call("counters", "add")]
  expect(needsSync({ appends: null, calls: repeatable })).toBe(false)
  expect(needsSync({ appends, calls: repeatable })).toBe(true)
  for (const other of [
    call("cursors", "acquire"),
    call("log", "release"),
    call("deadLetters", "put"),
    call("keys", "put"),
  ]) {
    expect(needsSync({ appends: null, calls: [...repeatable, other] })).toBe(true)
  }
})
