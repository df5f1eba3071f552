import type { Config } from "./Config.ts"

/** What a running server goes on by, and what only its start needs. */
const left: ReadonlySet<string> = new Set<keyof Config>(["destinations", "keys", "waitForStore"])

/** Where it stands in the file, if it is not called so. */
const keys: Readonly<Record<string, string>> = { statsigSecrets: "receive.statsigSecret" }

/** What a store is opened by, not what it opens. */
const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (key, part: unknown) => (key === "layer" ? undefined : part))

/** Names what another configuration says that a running server cannot take over. */
export const needRestart = (running: Config, next: Config): ReadonlyArray<string> => {
  const [before, after] = [new Map(Object.entries(running)), new Map(Object.entries(next))]
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => !left.has(name) && textOf(before.get(name)) !== textOf(after.get(name)))
    .map((name) => keys[name] ?? name)
}
