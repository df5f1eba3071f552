import type { Millrace } from "@millrace/node"
import { Logger } from "@nestjs/common"

const methods = {
  Trace: "verbose",
  Debug: "debug",
  Info: "log",
  Warn: "warn",
  Error: "error",
  Fatal: "fatal",
} as const satisfies Record<Millrace.LogLine["level"], keyof Logger>

/** Hands Millrace's lines to the logger of the application. */
export const nestLog = ({ level, message, fields }: Millrace.LogLine): void => {
  const details = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`
  Logger[methods[level]](`${message}${details}`, "Millrace")
}
