import * as Data from "effect/Data"

export interface OptionProblem {
  /** Where in the options: `cors.origins[1]`. */
  readonly path: string
  /** What is wrong, without the value: it may be a secret. */
  readonly message: string
}

/** The options given to a layer cannot work. All mistakes at once. */
export class InvalidOptions extends Data.TaggedError("InvalidOptions")<{
  readonly problems: ReadonlyArray<OptionProblem>
}> {
  override get message(): string {
    return this.problems.map(({ path, message }) => `${path}: ${message}`).join("; ")
  }
}
