import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "vitest"
import type { Server } from "./command.ts"
import { tempDir } from "./resources.ts"

export const key = "secret-e2e"

/** Small batches: more moments for something to happen at. @param settings beside the usual ones */
export const writeConfig = (
  directory: string,
  destinations: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>> = {},
): void =>
  writeFileSync(
    join(directory, "millrace.config.json"),
    JSON.stringify({
      ...settings,
      keys: { server: [key] },
      destinations: Object.entries(destinations).map(([id, url]) => ({
        id,
        url,
        batch: { maxEvents: 40, maxDelay: "20 millis" },
      })),
    }),
  )

/** A directory whose configuration sends everything to one receiver, under its own name. */
export const configured = (
  { url }: { readonly url: string },
  settings: Readonly<Record<string, string>> = {},
): string => {
  const directory = tempDir()
  writeConfig(directory, { receiver: `${url}/receiver` }, settings)
  return directory
}

export const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

/** Figures, for whoever reads the log of the tests: nothing is asserted of them. */
export const say = (figures: string): void => {
  process.stdout.write(`${figures}\n`)
}

export const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`
