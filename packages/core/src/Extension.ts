import type { SinkKind } from "./deliver/send/SinkKind.ts"
import type { RouteExtension } from "./intake/ExtraRoutes.ts"
import type { DestinationOptions } from "./select/Destination.ts"

/** What an extension may know of the Millrace that it is added to. */
export interface ExtensionHost {
  /** The keys that were given as options, as they are. */
  readonly keys: ReadonlyArray<string>
}

/** What another package adds to a Millrace, as `@millrace/statsig` does. */
export interface Extension extends RouteExtension {
  /** Kinds of destinations, by the schemes of their URLs. */
  readonly sinks?: (host: ExtensionHost) => ReadonlyArray<SinkKind>
  /** Destinations of its own, besides those of the options. */
  readonly destinations?: ReadonlyArray<DestinationOptions>
}
