import * as Schema from "effect/Schema"
import { hash32Text } from "../../base/hash32.ts"
import type { JsonObject } from "../../base/json.ts"
import type { DestinationRecord } from "../../ports/Destinations.ts"
import { type Destination, DestinationConfig } from "../../select/Destination.ts"
import { selects } from "../../select/selects.ts"
import type { DestinationDetail, SecretHint } from "../rows/destinations.ts"
import { hintOf, maskConfig } from "./masking.ts"

const encode = Schema.encodeSync(DestinationConfig)

/** The configuration as it would be written with every default spelled out; durations are in ms. */
export const writtenConfig = ({ predicate, transform, ...config }: Destination): JsonObject =>
  encode(config) as unknown as JsonObject

/**
 * Names what is shown of a configuration. Made of nothing else, it tells nobody anything about what
 * is masked; so a value that is changed behind its mask is no change.
 */
const revisionOfShown = (shown: JsonObject): string => hash32Text(JSON.stringify(shown))

export const revisionOf = (destination: Destination): string =>
  revisionOfShown(maskConfig(writtenConfig(destination)))

const hintsOf = ({ signing: { standardWebhooks, statsig } }: Destination): ReadonlyArray<SecretHint> => [
  ...standardWebhooks.map((secret) => ({ kind: "standardWebhooks" as const, hint: hintOf(secret) })),
  ...(statsig === null ? [] : [{ kind: "statsig" as const, hint: hintOf(statsig) }]),
]

/** All that may be shown of a destination's configuration. */
export const detailOf = (
  destination: Destination,
  record: DestinationRecord | null,
  origin: DestinationDetail["origin"],
): DestinationDetail => {
  const config = maskConfig(writtenConfig(destination))
  const { id, filter, predicate, transform } = destination
  return {
    id,
    config,
    selects: selects(filter, predicate !== undefined),
    secrets: hintsOf(destination),
    origin,
    hasCode: predicate !== undefined || transform !== undefined,
    createdAt: record?.createdAt ?? null,
    selectionSince: record?.selection?.since ?? null,
    revision: revisionOfShown(config),
  }
}
