import { isAtLeast, type LogLevel, LogText, type LogWriter } from "@millrace/core/host"

/** How lines are written: for people, or for programs. */
export type LogFormat = "text" | "json"

/** What is logged on standard error, and how. */
export interface LogSettings {
  readonly level: LogLevel | "silent"
  readonly format: LogFormat
}

/** People look at a terminal; what is piped or kept is read by programs. */
export const defaultFormat = (): LogFormat => (process.stderr.isTTY ? "text" : "json")

/** Writes lines to standard error. */
export const toStderr = ({ level, format }: LogSettings): LogWriter => {
  if (level === "silent") return () => {}
  const write = format === "json" ? LogText.asJson : LogText.asText
  return (line) => {
    if (isAtLeast(line, level)) process.stderr.write(write(line, new Date()))
  }
}
