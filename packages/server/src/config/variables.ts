import type { SecretReader } from "@millrace/core/host"
import { Secret } from "@millrace/core/host"
import * as Result from "effect/Result"
import type { Mistake } from "../text/Mistake.ts"
import * as Settings from "./settings.ts"

/** What a variable says, or a file that a variable names. */
export interface Said {
  /** The variable that says it. */
  readonly where: string
  readonly text: string
}

/** Reads a variable, or the file that its neighbour of the name `..._FILE` names. */
export const read = (
  variable: string,
  environment: Settings.Environment,
  reader: SecretReader,
): Result.Result<Said | undefined, Mistake> => {
  const text = Settings.textIn(variable, environment)
  const where = Settings.fileVariableOf(variable)
  const file = where === null ? undefined : Settings.textIn(where, environment)
  if (where === null || file === undefined) {
    return Result.succeed(text === undefined ? undefined : { where: variable, text })
  }
  if (text !== undefined) {
    return Result.fail({ where, message: `${variable} is set, too: set one of the two` })
  }
  return Result.mapBoth(Secret.resolve({ file }, reader), {
    onSuccess: (said) => ({ where, text: said }),
    onFailure: (message) => ({ where, message }),
  })
}
