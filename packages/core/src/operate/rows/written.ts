import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { isObject } from "../../base/json.ts"
import {
  DestinationConfig,
  type DestinationOptions,
  SelectionConfig,
  type SelectionOptions,
} from "../../select/Destination.ts"

/**
 * Configuration as somebody has written it. Any object passes: whoever uses it says all that is
 * wrong with it, and where. Documents show what it should be.
 */
const asWritten = <T extends object>(shown: Schema.Constraint) =>
  Schema.declare((value: unknown): value is T => isObject(value), {
    expected: "an object",
    toCodecJson: () =>
      Schema.link<T>()(shown, {
        decode: SchemaGetter.transform((written) => written as T),
        encode: SchemaGetter.transform((options) => options as never),
      }),
  })

export const WrittenDestination = asWritten<DestinationOptions>(
  Schema.toEncoded(DestinationConfig).annotate({ identifier: "DestinationConfig" }),
)

export const WrittenSelection = asWritten<SelectionOptions>(
  Schema.toEncoded(SelectionConfig).annotate({ identifier: "Selection" }),
)

/** Some keys of a destination. */
export const WrittenChanges = asWritten<Partial<DestinationOptions>>(
  Schema.Record(Schema.String, Schema.Json).annotate({ identifier: "DestinationChanges" }),
)
