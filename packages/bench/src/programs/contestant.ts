import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type ContestantName, contestants } from "../contestants/all.ts"
import type { Setup } from "../contestants/Contestant.ts"
import { givenOptions, offer, usage } from "../processes.ts"

/** One contestant of the intake, in a process and a folder of its own. */
export interface ContestantOptions extends Setup {
  readonly contestant: ContestantName
}

const { contestant, ...setup } = givenOptions<ContestantOptions>()
const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
const { port, pending } = await contestants[contestant].start(directory, setup)

const abilities = { port: () => port, pending: () => pending?.() ?? 0, usage }

export type ContestantAbilities = typeof abilities

offer(abilities, () => rmSync(directory, { recursive: true, force: true }))
