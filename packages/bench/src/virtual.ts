import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { describe, environment } from "./environment.ts"
import { number } from "./options.ts"
import { progress, progressEnd, publish, summary } from "./report.ts"

/**
 * Measures what the README's test of three days costs, as it stands in its example: the CPU time of
 * Vitest's worker from the beginning of the test to its end, with the pipeline and its receivers.
 * Each round is a process of its own, so that nothing is compiled beforehand.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

/** ms. What it is to cost. */
const goal = 50

const rounds = values.quick ? 2 : number("rounds", values.rounds)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs")
const directory = mkdtempSync(join(tmpdir(), "millrace-virtual-"))

const measure = (round: number): number => {
  const file = join(directory, String(round))
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [vitest, "run", "--config", here("./virtual/vitest.config.ts")],
    { env: { ...process.env, CPU_FILE: file }, encoding: "utf8" },
  )
  if (status !== 0) throw new Error(`the test failed\n${stdout}${stderr}`)
  return Number(readFileSync(file, "utf8"))
}

const cpu = Array.from({ length: rounds }, (_, round) => {
  progress(`round ${round + 1} of ${rounds}`)
  return measure(round)
})
progressEnd()
rmSync(directory, { recursive: true, force: true })

const machine = environment()
const { median, min, max } = summary(cpu)
publish(
  values.json,
  { benchmark: "virtual", environment: machine, settings: { rounds }, results: { cpu, goal } },
  [
    `CPU time of the README's three-day test, in Vitest, ${rounds} rounds. ${describe(machine)}`,
    "",
    `  ${median.toFixed(1)} ms [${min.toFixed(1)}-${max.toFixed(1)}]; the goal is ${goal} ms`,
  ],
)
