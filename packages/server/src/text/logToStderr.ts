import * as LogFormat from "./LogFormat.ts"

export const logToStderr = (line: LogFormat.LogLine): void => {
  process.stderr.write(LogFormat.format(line, new Date()))
}
