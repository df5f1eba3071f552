import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { InvalidOptions } from "../../base/InvalidOptions.ts"
import type { Codec } from "../../ports/Codec.ts"
import type { Sink } from "../../ports/Sink.ts"
import type { Transport } from "../../ports/Transport.ts"
import type { Destination } from "../../select/Destination.ts"
import type { EventForm } from "../../select/Export.ts"
import type { Layout } from "../lane/layout.ts"

/** A kind of destination, chosen by the scheme of the destination's URL. */
export interface SinkKind {
  /** With their colons: `["https:", "http:"]`. */
  readonly schemes: ReadonlyArray<string>
  /** `exported`: as the Generic Webhook sends events. `sent`: as SDKs send them. */
  readonly form: EventForm
  /** How the events of one request stand in its body. */
  readonly layout: (destination: Destination) => Layout
  /**
   * Opens one destination's sink until the scope is closed. Fails with what is wrong with the
   * destination's options; a receiver that is away is no reason to fail.
   */
  readonly open: (
    destination: Destination,
  ) => Effect.Effect<Sink, InvalidOptions, Scope.Scope | Transport | Codec>
}

/** The kind of a destination by its URL, whose scheme one of them has. */
export const kindOf = (kinds: ReadonlyArray<SinkKind>, url: string): SinkKind => {
  const scheme = url.slice(0, url.indexOf(":") + 1).toLowerCase()
  const kind = kinds.find(({ schemes }) => schemes.includes(scheme))
  if (kind === undefined) throw new TypeError(`no kind of destination has the scheme ${scheme}`)
  return kind
}

/** The schemes that destinations may have, with their colons. */
export const schemesOf = (kinds: ReadonlyArray<SinkKind>): ReadonlyArray<string> =>
  kinds.flatMap(({ schemes }) => schemes)
