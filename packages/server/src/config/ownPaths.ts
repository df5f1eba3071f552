import { ownPathProblem } from "@millrace/core/host"
import * as Schema from "effect/Schema"
import { healthPaths } from "../healthPaths.ts"

/** A path of the user's own for a route. */
export const OwnPath = Schema.String.check(
  Schema.makeFilter((path) => {
    if (healthPaths.some((taken) => taken === path)) return "is where the server says how it is"
    return ownPathProblem(path) ?? true
  }),
)

/** In the file each route may have names. */
export const OwnPaths = Schema.Struct({
  log_event: Schema.optionalKey(Schema.Array(OwnPath)),
  event_webhook: Schema.optionalKey(Schema.Array(OwnPath)),
  sdk_exception: Schema.optionalKey(Schema.Array(OwnPath)),
  initialize: Schema.optionalKey(Schema.Array(OwnPath)),
  download_config_specs: Schema.optionalKey(Schema.Array(OwnPath)),
  get_id_lists: Schema.optionalKey(Schema.Array(OwnPath)),
})
