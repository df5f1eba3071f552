import * as Settings from "../../packages/server/src/config/settings.ts"
import { program } from "../../packages/server/src/program.ts"

/** Words as a shell would part them: quotes hold together, and `$(...)` is one. */
const wordsOf = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/(?:'[^']*'|"[^"]*"|\$\([^)]*\)|[^\s'"])+/g)].map(([word]) =>
    word.replace(/^(['"])(.*)\1$/, "$2"),
  )

/** The commands of a line of a shell, without what stands before and behind them. */
export const commandsIn = (line: string): ReadonlyArray<ReadonlyArray<string>> =>
  line
    .replace(/(?:^|\s)#.*$/, "")
    .split(/\s(?:&&|\|\||[|;&])(?:\s|$)/)
    .map((part) => wordsOf(part.trim()))
    .map((words) => {
      const isBefore = (word: string): boolean => /^(?:\w+=.*|npx|sudo|exec|nohup|export)$/.test(word)
      const start = words.findIndex((word) => !isBefore(word))
      const end = words.findIndex((word) => /^(?:\d?>|<)/.test(word))
      return start === -1 ? [] : words.slice(start, end === -1 ? undefined : end)
    })

type Command = ReturnType<typeof program>

const quiet = (command: Command): Command =>
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} })

/**
 * What is wrong with arguments of `millrace`; `null` when it would take them.
 *
 * @param isName whether it may be a command's name alone, as texts mention it
 */
export const problemOf = (args: ReadonlyArray<string>, isName = false): string | null => {
  const top = program()
  let command = top
  let rest = args
  while (command.commands.length > 0) {
    const [name, ...others] = rest
    if (name === undefined && isName && command !== top) return null
    // The command itself, and groups of commands, have only what commander gives them.
    if (name === "--help" || name === "--version") return null
    const next = command.commands.find((one) => one.name() === name)
    if (next === undefined) return `there is no command ${name}`
    command = next
    rest = others
  }
  if (rest.includes("--help") || (isName && rest.length === 0)) return null
  try {
    const { operands, unknown } = quiet(command).parseOptions([...rest])
    if (unknown.length > 0) return `it does not know ${unknown.join(" ")}`
    const known = command.registeredArguments
    if (operands.length > known.length) return `it takes no ${operands.at(-1)}`
    const missing = known.slice(operands.length).find(({ required }) => required)
    if (missing !== undefined) return `it needs ${missing.name()}`
    const option = command.options.find(
      (one) => one.mandatory && command.getOptionValue(one.attributeName()) === undefined,
    )
    return option === undefined ? null : `it needs ${option.flags}`
  } catch (error) {
    return String(error)
  }
}

/** Variables of ours that nobody reads. */
export const unknownVariables = (text: string): ReadonlyArray<string> => {
  const named = [...text.matchAll(/\bMILLRACE_[A-Z][A-Z_]*\b/g)].map(([name]) => name)
  const environment = Object.fromEntries(named.map((name) => [name, "set"]))
  return Settings.unknownVariables(environment).map(({ variable }) => variable)
}
