import type { Command, Option } from "commander"

/** What may follow a command: its sub-commands and its flags. */
interface Place {
  /** `millrace destinations` */
  readonly at: string
  readonly words: ReadonlyArray<Word>
}

interface Word {
  readonly text: string
  readonly says: string
  /** Whether it is a flag that a value follows. */
  readonly takesValue: boolean
}

const wordOf = ({ long, required, optional, description }: Option): ReadonlyArray<Word> =>
  long === undefined || long === null
    ? []
    : [{ text: long, says: description, takesValue: required || optional }]

/** Every command there is, with what may follow it. */
const placesOf = (command: Command, before = ""): ReadonlyArray<Place> => {
  const at = `${before}${command.name()}`
  const help = command.createHelp()
  const commands = help.visibleCommands(command).filter((below) => below.name() !== "help")
  const words = [
    ...commands.map((below) => ({ text: below.name(), says: below.description(), takesValue: false })),
    ...help.visibleOptions(command).flatMap(wordOf),
  ]
  return [{ at, words }, ...command.commands.flatMap((below) => placesOf(below, `${at} `))]
}

const isCommand = ({ text }: Word): boolean => !text.startsWith("-")

const textsOf = (words: ReadonlyArray<Word>): string => words.map(({ text }) => text).join(" ")

/** A pattern of `case` for every flag that a value follows, where it does. */
const valueFlags = (places: ReadonlyArray<Place>): string =>
  places
    .flatMap(({ at, words }) =>
      words.filter(({ takesValue }) => takesValue).map(({ text }) => `"${at} ${text}"`),
    )
    .join("|")

/** A pattern of `case` for every way to a command below. */
const ways = (places: ReadonlyArray<Place>): string =>
  places
    .slice(1)
    .map(({ at }) => `"${at}"`)
    .join("|")

/** Files are offered where a flag takes a value, and where nothing else fits. */
const bash = (places: ReadonlyArray<Place>): string => `_millrace() {
  local at=millrace word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$at $word" in
      ${ways(places)}) at="$at $word" ;;
    esac
  done
  COMPREPLY=()
  case "$at \${COMP_WORDS[COMP_CWORD-1]}" in
    ${valueFlags(places)}) return ;;
  esac
  local words
  case "$at" in
${places.map(({ at, words }) => `    "${at}") words="${textsOf(words)}" ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _millrace millrace
`

/** In single quotes, for zsh. */
const zshQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const zsh = (places: ReadonlyArray<Place>): string => `#compdef millrace
_millrace() {
  local at=millrace word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      (${ways(places)}) at="$at $word" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
    (${valueFlags(places)}) _files; return ;;
  esac
  case "$at" in
${places
  .map(
    ({ at, words }) => `    ("${at}") found=(
${words.map(({ text, says }) => `      ${zshQuoted(`${text}:${says}`)}`).join("\n")}
    ) ;;`,
  )
  .join("\n")}
  esac
  _describe millrace found || _files
}
compdef _millrace millrace
`

/** In single quotes, for fish. */
const fishQuoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`

const fish = (places: ReadonlyArray<Place>): string => `function __millrace_at
  set -l at millrace
  for word in (commandline -opc)[2..-1]
    if contains -- "$at $word" ${places
      .slice(1)
      .map(({ at }) => fishQuoted(at))
      .join(" ")}
      set at "$at $word"
    end
  end
  test "$at" = "$argv[1]"
end
${places
  .flatMap(({ at, words }) =>
    words.map((word) => {
      const where = `complete -c millrace -n "__millrace_at '${at}'"`
      const says = `-d ${fishQuoted(word.says)}`
      if (isCommand(word)) return `${where} -f -a ${word.text} ${says}`
      return `${where} -l ${word.text.slice(2)} ${word.takesValue ? "-r " : ""}${says}`
    }),
  )
  .join("\n")}
`

const scripts = { bash, zsh, fish } as const

export type Shell = keyof typeof scripts

export const shells = Object.keys(scripts) as ReadonlyArray<Shell>

/** What a shell has to read to complete a program's commands and flags. */
export const completionScript = (shell: Shell, program: Command): string => scripts[shell](placesOf(program))
