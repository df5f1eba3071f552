/** From the least to the most that can be wrong. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const

export type LogLevel = (typeof logLevels)[number]

/** One thing that happened, for whoever runs this. */
export interface LogLine {
  readonly level: "Trace" | "Debug" | "Info" | "Warn" | "Error" | "Fatal"
  readonly message: string
  /** Never holds an event, a key or a personal value. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** Takes one line after the other. */
export type LogWriter = (line: LogLine) => void

/** Where lines go: nowhere, from a level on to standard error, or to a function. */
export type LogOption = "silent" | LogLevel | LogWriter

/** What is logged when nobody says otherwise: no warning is lost by default. */
export const defaultLog: LogOption = "warn"
