import { dirname, join, relative } from "node:path"
import { Actions } from "@millrace/core/host"
import { packages, read } from "../test/sources.ts"
import { table } from "./table.ts"

/** The first paragraph of a doc comment, as Markdown. */
const paragraphOf = (comment: string): string =>
  comment
    .replace(/^\s*\*? ?/gm, "")
    .split(/\n\s*\n|(?:^|\n)(?:@|- |\|)/)[0]!
    .replace(/\{@link (?:\w+\.)?(\w+)\}/g, "`$1`")
    .replace(/\s+/g, " ")
    .trim()

const firstSentence = (comment: string): string => {
  const text = paragraphOf(comment)
  return /^.*?\.(?=\s|$)/.exec(text)?.[0] ?? text
}

const declared =
  /(?:\/\*\*((?:(?!\*\/).)*)\*\/\n)?export (?:declare )?(?:const|function\*?|class|interface|type) (\w+)/gs

const given = /^export (?:type )?(?:\* as (\w+)|\{([^}]*)\}|(\*)) from "(\.[^"]+)"$/gm

interface Export {
  readonly name: string
  readonly file: string
  readonly text: string
}

/** What a file exports: its own, and what it hands on. What has no comment is told by its name. */
const exportsOf = (file: string): ReadonlyArray<Export> => {
  const source = read(file)
  const seen = new Map<string, Export>()
  const add = (one: Export): void => {
    // A type and a value of one name are one thing: the first comment is theirs.
    const known = seen.get(one.name)
    if (known === undefined || known.text === "") seen.set(one.name, one)
  }
  for (const [, comment, name] of source.matchAll(declared)) {
    add({ name: name!, file, text: firstSentence(comment ?? "") })
  }
  for (const [, namespace, names, all, path] of source.matchAll(given)) {
    const from = join(dirname(file), path!)
    if (namespace !== undefined) {
      for (const one of exportsOf(from)) add({ ...one, name: `${namespace}.${one.name}` })
    } else {
      const wanted = names
        ?.split(",")
        .map((name) => name.replace(/^\s*(?:type )?/, "").trim())
        .filter((name) => name !== "")
      for (const one of exportsOf(from)) {
        if (all === "*" || wanted?.includes(one.name) === true) add(one)
      }
    }
  }
  return [...seen.values()]
}

/** The members of an interface with their comments, without those that only types see. */
const membersOf = (file: string, name: string): ReadonlyArray<readonly [string, string]> => {
  const source = read(file)
  const start = new RegExp(`^(?:export )?interface ${name}\\b[^]*?\\{\\n`, "m").exec(source)!
  const body = source.slice(start.index + start[0].length, source.indexOf("\n}\n", start.index))
  return [...body.matchAll(/ {2}\/\*\*((?:(?!\*\/).)*)\*\/\n {2}readonly (\w+)\??:/gs)].map(
    ([, comment, member]) => [member!, paragraphOf(comment!)] as const,
  )
}

const optionsOfMake = [
  ["packages/node/src/Millrace.ts", "GivenStore"],
  ["packages/core/src/Millrace.ts", "MillraceOptions"],
  ["packages/core/src/intake/HttpIngest.ts", "HttpIngestOptions"],
  ["packages/core/src/intake/Ingest.ts", "IngestOptions"],
  ["packages/core/src/intake/authentication.ts", "AuthenticationOptions"],
  ["packages/core/src/intake/clientFacts.ts", "ClientFactsOptions"],
  ["packages/node/src/Millrace.ts", "NodeOptions"],
] as const

const named = (rows: ReadonlyArray<readonly [string, string]>): string =>
  table(
    ["name", "says"],
    [...new Map(rows)].map(([name, text]) => [`\`${name}\``, text]),
  )

interface Entry {
  readonly name: string
  readonly file: string
}

/** The entry points of the packages, by their `exports`. */
const entries: ReadonlyArray<Entry> = packages
  .filter(({ manifest, folder }) => manifest.private !== true && folder !== "server")
  .flatMap(({ path, manifest }) =>
    Object.entries(
      manifest["exports"] as Readonly<Record<string, string | { readonly types: string }>>,
    ).flatMap(([key, target]) => {
      const source = typeof target === "string" ? null : /^\.\/dist\/(.+)\.d\.ts$/.exec(target.types)
      return source === null
        ? []
        : [{ name: `${manifest.name}${key.slice(1)}`, file: `${path}/src/${source[1]}.ts` }]
    }),
  )

const sectionOf = ({ name, file }: Entry): string =>
  [
    `## ${name}\n`,
    table(
      ["name", "is"],
      exportsOf(file)
        .filter(({ text }) => text !== "")
        .map((one) => [`[\`${one.name}\`](${relative("docs", one.file)})`, one.text]),
    ),
  ].join("\n")

/** Every name of an export, as the page has it. */
export const names = (): ReadonlySet<string> =>
  new Set(entries.flatMap(({ file }) => exportsOf(file).map(({ name }) => name)))

/** The names that the packages give, each with the first sentence of its comment. */
export const api = (): string =>
  [
    "## Options of Millrace.make\n",
    named(optionsOfMake.flatMap(([file, name]) => membersOf(file, name))),
    "## A Millrace\n",
    named(membersOf("packages/core/src/Millrace.ts", "Millrace")),
    "## What an operator can do\n",
    "Methods of a `Millrace`, paths below `/admin/v1/`, and most of them commands.\n",
    table(
      ["name", "path", "does"],
      Object.entries(Actions.actions).map(([name, { path, summary }]) => [
        `\`${name}\``,
        `\`${path}\``,
        summary,
      ]),
    ),
    ...entries.map(sectionOf),
  ].join("\n")
