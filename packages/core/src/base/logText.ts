import type { LogLine } from "./LogLine.ts"
import { json, printable } from "./safeText.ts"

/** What a line may hold as it is: anything else would break it, or hide where a value ends. */
const bare = /^[^\s"=\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u

const valueText = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value))
  return bare.test(text) ? text : printable(JSON.stringify(text))
}

/**
 * Writes one line for a person, and for tools that split at spaces: `2026-01-31T12:00:00.000Z WARN
 * the store took no events reason=Full`
 */
export const asText = ({ level, message, fields }: LogLine, time: Date): string => {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${valueText(value)}`)
  return `${time.toISOString()} ${level.toUpperCase().padEnd(5)} ${printable(message)}${pairs.join("")}\n`
}

/**
 * Writes one line for a program: a JSON object with `time`, `level` and `message`, and the fields
 * beside them.
 */
export const asJson = ({ level, message, fields }: LogLine, time: Date): string => {
  const head = { time: time.toISOString(), level: level.toLowerCase(), message }
  return `${json({ ...head, ...fields, ...head })}\n`
}
