import * as Result from "effect/Result"
import type { OptionProblem } from "../../base/InvalidOptions.ts"
import { isObject, type JsonObject } from "../../base/json.ts"
import * as DestinationRecords from "../../deliver/dispatcher/destinationRecords.ts"
import type { Destination, DestinationOptions } from "../../select/Destination.ts"
import { maskProblems, unmask } from "./masking.ts"

type Problems = ReadonlyArray<OptionProblem>

/** What `signing` does not name stays. */
const mergedSigning = (options: JsonObject, changes: JsonObject): JsonObject =>
  isObject(changes["signing"]) && isObject(options["signing"])
    ? { signing: { ...options["signing"], ...changes["signing"] } }
    : {}

export interface Changed {
  readonly options: DestinationOptions
  readonly destination: Destination
}

/**
 * A destination's options with some keys changed, or everything that is wrong with them. A value
 * that is given as it is shown, masked, stays what it is.
 *
 * @param options as somebody has written them
 * @param config the same with defaults
 */
export const changed = (
  options: JsonObject,
  config: JsonObject,
  changes: Partial<DestinationOptions>,
  decode: (options: DestinationOptions) => Result.Result<Destination, Problems>,
): Result.Result<Changed, Problems> => {
  const given = unmask(changes as unknown as JsonObject, config)
  const merged = {
    ...options,
    ...given,
    ...mergedSigning(options, given),
  } as unknown as DestinationOptions
  const decoded = decode(merged)
  const masks = maskProblems(given)
  const isMasked = ({ path }: OptionProblem) => masks.some((one) => one.path === path)
  const problems = [
    ...(given["id"] === undefined || given["id"] === options["id"]
      ? []
      : [{ path: "id", message: "stays what it is: add another destination" }]),
    ...masks,
    ...(Result.isFailure(decoded) ? decoded.failure.filter((one) => !isMasked(one)) : []),
    ...DestinationRecords.keepProblems(merged),
  ]
  return problems.length > 0 || Result.isFailure(decoded)
    ? Result.fail(problems)
    : Result.succeed({ options: merged, destination: decoded.success })
}
