import type { Command } from "commander"
import { complaint } from "../text/complain.ts"

/** `--port`, of `--port <number>`. */
const nameOf = (flags: string): string => flags.split(" ")[0]!

const argumentsText = (count: string): string =>
  count === "0" ? "takes no argument" : `takes ${count} argument${count === "1" ? "" : "s"}`

/** What commander finds wrong, in our words. Values are left out: they may be secrets. */
const translations: ReadonlyArray<readonly [RegExp, (...found: ReadonlyArray<string>) => string]> = [
  [/^unknown option '(.*)'$/s, (flag) => `${flag}: unknown flag`],
  [/^unknown command '(.*)'$/s, (name) => `${name}: unknown command`],
  [
    /^option '([^']+)' argument missing$/,
    (flags) => `${nameOf(flags!)}: expected ${flags!.slice(nameOf(flags!).length + 1)}`,
  ],
  [/^required option '([^']+)' not specified$/, (flags) => `${nameOf(flags!)}: missing`],
  [/^missing required argument '(.+)'$/, (name) => `${name}: missing`],
  [/^option '([^']+)' argument '.*' is invalid\. (.*)$/s, (flags, why) => `${nameOf(flags!)}: ${why}`],
  [
    /^command-argument value '.*' is invalid for argument '([^']+)'\. (.*)$/s,
    (name, why) => `${name}: ${why}`,
  ],
  [
    /^too many arguments for '(.+)'\. Expected (\d+) arguments? but got \d+\.$/,
    (name, count) => `${name}: ${argumentsText(count!)}`,
  ],
]

const suggestion = /\n\(Did you mean (.+\?)\)$/

/** `--prot: unknown flag: did you mean --port?`, of what commander says of it. */
export const mistakeOf = (text: string): string => {
  const said = text.trimEnd().replace(/^error: /, "")
  const bare = said.replace(suggestion, "")
  const meant = suggestion.exec(said)?.[1]
  for (const [pattern, translate] of translations) {
    const found = pattern.exec(bare)
    if (found !== null) {
      return `${translate(...found.slice(1))}${meant === undefined ? "" : `: did you mean ${meant}`}`
    }
  }
  return said
}

const fullName = (command: Command): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`

/** A command and all that are below it. */
export const withSubcommands = (command: Command): ReadonlyArray<Command> => [
  command,
  ...command.commands.flatMap(withSubcommands),
]

/** Tells every mistake of usage in one way, whatever the command, and where help is. */
export const tellMistakes = (program: Command): Command => {
  for (const command of withSubcommands(program)) {
    command
      .configureOutput({ outputError: (text, write) => write(complaint(mistakeOf(text))) })
      .showHelpAfterError(`see ${fullName(command)} --help`)
  }
  return program
}
