import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

export const read = (path: string): string => readFileSync(join(root, path), "utf8")

/**
 * Files below a directory with one of these endings, as paths from the root; none when it is not
 * there.
 */
export const filesIn = (directory: string, ...endings: ReadonlyArray<string>): ReadonlyArray<string> =>
  existsSync(join(root, directory))
    ? readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
        .map((entry) => relative(root, join(entry.parentPath, entry.name)))
        .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path))
        .sort()
    : []

export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

export interface Workspace {
  /** `core`, `express`: the name of its folder. */
  readonly folder: string
  /** From the root. */
  readonly path: string
  readonly manifest: Manifest
}

const workspacesIn = (directory: string): ReadonlyArray<Workspace> =>
  readdirSync(join(root, directory))
    .map((folder) => ({ folder, path: `${directory}/${folder}` }))
    .filter(({ path }) => existsSync(join(root, path, "package.json")))
    .map(({ folder, path }) => ({ folder, path, manifest: JSON.parse(read(`${path}/package.json`)) }))

export const packages = workspacesIn("packages")
export const examples = workspacesIn("examples")

export interface Import {
  readonly file: string
  readonly specifier: string
}

/** Statements begin their line, so the examples in docstrings are not among them. */
const statements = /^(?:import|export)\s(?:[^"'`;]*?\sfrom\s)?"([^"]+)"/gm
const dynamic = /\bimport\(\s*"([^"]+)"/g

export const importsOf = (file: string): ReadonlyArray<Import> => {
  const text = read(file)
  return [...text.matchAll(statements), ...text.matchAll(dynamic)].map((match) => ({
    file,
    specifier: match[1]!,
  }))
}

/**
 * `@millrace/core` of `@millrace/core`, `effect` of `effect/Effect`; `null` for a relative path and
 * for Node's own modules.
 */
export const packageOf = (specifier: string): string | null => {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return null
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
}
