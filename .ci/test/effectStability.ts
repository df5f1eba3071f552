import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

export interface Use {
  readonly file: string
  readonly module: string
  readonly member: string
}

const namespaces = /^import (?:type )?\* as (\w+) from "(effect\/[^"]+)"/gm
const named = /^import (?:type )?\{([^}]*)\} from "(effect\/[^"]+)"/gm

/** Every member of a module of Effect that a file names. */
export const usesOfEffect = (file: string, text: string): ReadonlyArray<Use> => [
  ...[...text.matchAll(namespaces)].flatMap(([, local, module]) =>
    [...text.matchAll(new RegExp(`(?<![\\w.])${local}\\.(\\w+)`, "g"))].map(([, member]) => ({
      file,
      module: module!,
      member: member!,
    })),
  ),
  ...[...text.matchAll(named)].flatMap(([, names, module]) =>
    names!
      .split(",")
      .map((name) =>
        name
          .trim()
          .replace(/^type /, "")
          .replace(/ as .*/, ""),
      )
      .filter((name) => name !== "")
      .map((member) => ({ file, module: module!, member })),
  ),
]

const require = createRequire(import.meta.url)

/**
 * A doc comment and the name it stands before, whether declared or re-exported under another name.
 */
const documented =
  /\/\*\*((?:(?!\*\/).)*)\*\/\s*(?:export (?:declare )?(?:abstract )?(?:const|function|class|interface|type|namespace) (\w+)|\w+ as (\w+))/gs

const modules = new Map<string, ReadonlyMap<string, string>>()

const membersOf = (module: string): ReadonlyMap<string, string> => {
  const known = modules.get(module)
  if (known !== undefined) return known
  const declarations = readFileSync(require.resolve(module).replace(/\.js$/, ".d.ts"), "utf8")
  const members = new Map<string, string>()
  for (const [, doc, declared, renamed] of declarations.matchAll(documented)) {
    const stability = doc!.match(/@stability (\w+)/)?.[1]
    const name = declared ?? renamed!
    // A type and a value of one name, or overloads: the shakiest counts.
    if (stability !== undefined && (members.get(name) ?? "stable") === "stable") members.set(name, stability)
  }
  modules.set(module, members)
  return members
}

/** What the tag `@stability` says of a member; `undefined` when there is no such member. */
export const stabilityOf = (module: string, member: string): string | undefined =>
  membersOf(module).get(member)
