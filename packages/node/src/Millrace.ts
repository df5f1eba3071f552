import {
  type Codec,
  Millrace as Core,
  InvalidOptions,
  type OptionProblem,
  Store,
  type StoreError,
  type Transport,
} from "@millrace/core"
import type * as Layer from "effect/Layer"
import * as AddressGuard from "./addressGuard.ts"
import * as NodeCodec from "./codec.ts"
import * as NodeTransport from "./transport.ts"

export interface MakeOptions extends Core.MillraceOptions {
  /** Where events are kept until they are delivered. In this process's memory by default: swap it with one line. */
  readonly store?: Layer.Layer<Store.Store, StoreError>
  /**
   * Whether webhooks may go to private addresses: loopback, private networks, link-local ones and the like. `false` by default, so
   * that who may name a destination cannot thereby reach what this machine reaches. `true` allows all; a list allows addresses,
   * ranges (`"10.0.0.0/8"`) and exact host names.
   */
  readonly allowPrivateDestinations?: boolean | ReadonlyArray<string>
  readonly transport?: Layer.Layer<Transport.Transport, InvalidOptions>
  readonly codec?: Layer.Layer<Codec.Codec>
  /** Silent by default. */
  readonly log?: (line: Core.LogLine) => void
}

const addressOptions = ({ allowPrivateDestinations = false }: MakeOptions): AddressGuard.AddressOptions =>
  typeof allowPrivateDestinations === "boolean"
    ? { allowPrivate: allowPrivateDestinations }
    : { allow: allowPrivateDestinations }

const problemsOf = (options: MakeOptions): ReadonlyArray<OptionProblem> => {
  const path = "allowPrivateDestinations"
  if (options.transport !== undefined && options.allowPrivateDestinations !== undefined) {
    return [{ path, message: "has no effect on a transport of your own" }]
  }
  return AddressGuard.allowProblems(addressOptions(options).allow ?? [], path)
}

/** Those that will never get anything, as far as can be said without asking a resolver. */
const warnOfRefused = (options: MakeOptions): void => {
  if (options.transport !== undefined) return
  const guard = AddressGuard.make(addressOptions(options))
  for (const { id, url, enabled } of options.destinations ?? []) {
    if (enabled === false || !guard.surelyRefuses(new URL(url).hostname)) continue
    const message = "nothing will be sent to a private address: private destinations are not allowed"
    options.log?.({ level: "Warn", message, fields: { destination: id } })
  }
}

/**
 * Starts Millrace with Node's defaults: undici for delivery, zlib for decompression, memory for storage.
 * Rejects with `InvalidOptions` (all mistakes, each with its path) or `StoreError`; nothing is left running then.
 */
export const make = async (options: MakeOptions): Promise<Core.Millrace> => {
  const { allowPrivateDestinations: _, ...rest } = options
  const problems = problemsOf(options)
  if (problems.length > 0) throw new InvalidOptions({ problems })
  const millrace = await Core.make({
    store: Store.layerMemory(),
    transport: NodeTransport.layer(addressOptions(options)),
    codec: NodeCodec.layer,
    ...rest,
  })
  warnOfRefused(options)
  return millrace
}

export type Millrace = Core.Millrace
export type CloseReport = Core.CloseReport
export type LogLine = Core.LogLine
