import * as Settings from "../../packages/server/src/config/settings.ts"
import { table } from "./table.ts"

const code = (text: string | undefined): string => (text === undefined ? "" : `\`${text}\``)

const rowOf = (name: Settings.Name): ReadonlyArray<string> => {
  const { key, variable, help, isList, default: value, shownDefault = value } = Settings.table[name]
  const hasFlag = Settings.hasFlag(name)
  return [
    hasFlag ? `${code(Settings.usageOf(name))}${isList === true ? "..." : ""}` : "",
    hasFlag || variable === true ? code(Settings.variableOf(name)) : "",
    code(key),
    String(shownDefault ?? ""),
    help,
  ]
}

/** Everything that `millrace serve` can be told. */
export const settings = (): string =>
  table(["flag", "variable", "in the file", "default", "says"], Settings.names.map(rowOf))
