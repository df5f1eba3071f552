import {
  Millrace as Core,
  type EventLog,
  InvalidOptions,
  type OptionProblem,
  Store,
  type StoreError,
  type Transport,
} from "@millrace/core"
import { type Codec, writerOf } from "@millrace/core/host"
import * as Layer from "effect/Layer"
import * as AddressGuard from "./addressGuard.ts"
import * as NodeCodec from "./codec.ts"
import * as SecretReader from "./secretReader.ts"
import * as NodeTransport from "./transport.ts"
import * as YoungMemory from "./youngMemory.ts"

interface NodeOptions {
  /**
   * Whether webhooks may go to private addresses: loopback, private networks, link-local ones and
   * the like. `false` by default, so that who may name a destination cannot thereby reach what this
   * machine reaches. `true` allows all; a list allows addresses, ranges (`"10.0.0.0/8"`) and exact
   * host names.
   */
  readonly allowPrivateDestinations?: boolean | ReadonlyArray<string>
  readonly transport?: Layer.Layer<Transport.Transport, InvalidOptions>
  readonly codec?: Layer.Layer<Codec.Codec>
  /**
   * Whether V8 is made to collect its young generation after every few megabytes of bodies. `false`
   * by default: a guest changes no flag of its host's V8 and forces no collection. `true` suits a
   * process that does nothing else, as `millrace serve` is; `YoungMemory.layer` says what it gives
   * and costs.
   */
  readonly collectYoungMemory?: boolean
  /**
   * Where spans go: `Otlp.layer({ url })`, or any layer that gives Effect's `Tracer`. Without it
   * none are made.
   */
  readonly tracing?: Layer.Layer<never, InvalidOptions>
  /**
   * Where what happens is told: `"silent"`, the least level that goes to standard error, or a
   * function that gets every line from `Info` on. `"warn"` by default: no warning is lost.
   */
  readonly log?: Core.LogOption
}

interface GivenStore<D extends EventLog.Durability> {
  /**
   * Where events are kept until they are delivered. In this process's memory by default: swap it
   * with one line.
   */
  readonly store: Layer.Layer<Store.Store | Store.Acknowledges<NoInfer<D>>, StoreError>
}

type AnyOptions<D extends EventLog.Durability> = Core.MillraceOptions<D> &
  NodeOptions &
  Partial<GivenStore<D>>

/**
 * @template D what `ack` demands: inferred, `never` without it. A program that demands more than
 * memory gives has to name a store.
 */
export type MakeOptions<D extends EventLog.Durability = never> = AnyOptions<D> &
  ([D] extends ["memory"] ? unknown : GivenStore<D>)

const addressOptions = ({ allowPrivateDestinations = false }: NodeOptions): AddressGuard.AddressOptions =>
  typeof allowPrivateDestinations === "boolean"
    ? { allowPrivate: allowPrivateDestinations }
    : { allow: allowPrivateDestinations }

const problemsOf = (options: NodeOptions): ReadonlyArray<OptionProblem> => {
  const path = "allowPrivateDestinations"
  if (options.transport !== undefined && options.allowPrivateDestinations !== undefined) {
    return [{ path, message: "has no effect on a transport of your own" }]
  }
  return AddressGuard.allowProblems(addressOptions(options).allow ?? [], path)
}

/** Those that will never get anything, as far as can be said without asking a resolver. */
const warnOfRefused = (
  options: NodeOptions & Pick<Core.MillraceOptions, "destinations" | "alerts">,
): void => {
  if (options.transport !== undefined) return
  const guard = AddressGuard.make(addressOptions(options))
  const write = writerOf(options.log)
  for (const { id, url, enabled } of options.destinations ?? []) {
    if (enabled === false || !guard.surelyRefuses(new URL(url).hostname)) continue
    const message = "nothing will be sent to a private address: private destinations are not allowed"
    write({ level: "Warn", message, fields: { destination: id } })
  }
  const { alerts } = options
  if (alerts !== undefined && guard.surelyRefuses(new URL(alerts.url).hostname)) {
    const message = "no alert will be sent to a private address: private destinations are not allowed"
    write({ level: "Warn", message, fields: {} })
  }
}

/**
 * Starts Millrace with Node's defaults: undici for delivery, zlib for decompression, memory for
 * storage. Rejects with `InvalidOptions` (all mistakes, each with its path) or `StoreError`;
 * nothing is left running then.
 */
export const make = async <D extends EventLog.Durability = never>(
  options: MakeOptions<D>,
): Promise<Core.Millrace> => {
  const {
    allowPrivateDestinations: _,
    collectYoungMemory = false,
    codec = NodeCodec.layer,
    ...rest
  }: AnyOptions<D> = options
  const problems = problemsOf(options)
  if (problems.length > 0) throw new InvalidOptions({ problems })
  const millrace = await Core.make<D>({
    store: Store.layerMemory().pipe(Store.acknowledging<D>()),
    transport: NodeTransport.layer(addressOptions(options)),
    codec: Layer.merge(
      collectYoungMemory ? Layer.merge(codec, YoungMemory.layer) : codec,
      SecretReader.layer,
    ),
    ...rest,
  })
  warnOfRefused(options)
  return {
    ...millrace,
    reconfigure: async (changed) => {
      const report = await millrace.reconfigure(changed)
      if (changed.destinations !== undefined)
        warnOfRefused({ ...options, destinations: changed.destinations })
      return report
    },
  }
}

export type Millrace = Core.Millrace
export type CloseReport = Core.CloseReport
export type LogLine = Core.LogLine
export type LogOption = Core.LogOption
