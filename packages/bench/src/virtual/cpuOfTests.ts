import { writeFileSync } from "node:fs"
import { afterEach, beforeEach } from "vitest"

/** Says what a test's process has spent on it, in ms, to the file that `CPU_FILE` names. */
let before = process.cpuUsage()

beforeEach(() => {
  before = process.cpuUsage()
})

afterEach(() => {
  const { user, system } = process.cpuUsage(before)
  writeFileSync(process.env["CPU_FILE"] ?? "/dev/stdout", String((user + system) / 1000))
})
