import * as Data from "effect/Data"

/**
 * Something wrong in what the command was told, and where: a flag, a variable, or a path in the
 * config file.
 */
export interface Mistake {
  readonly where: string
  /** Without the value: it may be a secret. */
  readonly message: string
}

/** The command was told what cannot work. All mistakes at once. */
export class ConfigError extends Data.TaggedError("ConfigError")<{
  readonly mistakes: ReadonlyArray<Mistake>
}> {
  override get message(): string {
    return this.mistakes.map(({ where, message }) => `${where}: ${message}`).join("\n")
  }
}
