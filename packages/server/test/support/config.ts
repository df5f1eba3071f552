import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Config from "../../src/config/Config.ts"
import type * as Settings from "../../src/config/settings.ts"
import { tempDir } from "./resources.ts"

/** A config file of this content. */
export const fileOf = (content: unknown): string => {
  const path = join(tempDir(), "config.json")
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  return path
}

export const load = (flags: Settings.Flags, environment: Settings.Environment = {}): Promise<Config.Config> =>
  Effect.runPromise(Config.load(flags, environment))

/** The mistakes as the command prints them, without the directory. */
export const mistakesOf = async (
  flags: Settings.Flags,
  environment: Settings.Environment = {},
): Promise<ReadonlyArray<string>> => {
  const { message } = await Effect.runPromise(Effect.flip(Config.load(flags, environment)))
  return message.split("\n").map((line) => line.replace(/\S*\/(?=config\.json)/, ""))
}
