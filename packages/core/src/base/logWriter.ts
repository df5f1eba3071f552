import type { OptionProblem } from "./InvalidOptions.ts"
import {
  defaultLog,
  type LogLevel,
  type LogLine,
  type LogOption,
  type LogWriter,
  logLevels,
} from "./LogLine.ts"
import { asText } from "./logText.ts"

/** Whether a line is of this level or a higher one. */
export const isAtLeast = ({ level }: Pick<LogLine, "level">, least: LogLevel): boolean =>
  logLevels.indexOf(level.toLowerCase() as LogLevel) >= logLevels.indexOf(least)

/** What takes lines by an option; by {@link defaultLog} without one. */
export const writerOf = (option: LogOption = defaultLog): LogWriter => {
  if (typeof option === "function") return option
  if (option === "silent") return () => {}
  return (line) => {
    if (!isAtLeast(line, option)) return
    // The one way to standard error that there is everywhere.
    const { console: standard } = globalThis
    standard.error(asText(line, new Date()).trimEnd())
  }
}

/** What is wrong with an option that no type has checked. */
export const problemsOfLog = (option: LogOption | undefined): ReadonlyArray<OptionProblem> =>
  option === undefined ||
  typeof option === "function" ||
  ["silent", ...logLevels].some((known) => known === option)
    ? []
    : [{ path: "log", message: `expected a function, or one of silent, ${logLevels.join(", ")}` }]
