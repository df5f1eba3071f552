/** Stands in every user's privateAttributes: nothing that leaves the server may hold it. */
export const privateMarker = "private-marker-7f3a"

/** What an SDK was made to log, as the receiver is to see it. */
export interface Logged {
  readonly eventName: string
  readonly value: string
  /** Tells it apart, in its metadata and statsigMetadata together. */
  readonly details: Readonly<Record<string, unknown>>
}

/** An unmodified SDK at work. */
export interface Sdk {
  /** Checks a gate, a config and a layer, and logs custom events; returns what that comes to. */
  readonly work: (userID: string) => ReadonlyArray<Logged>
  readonly log: (eventName: string, value: string | number | undefined, metadata: Metadata) => void
  readonly flush: () => Promise<void>
  /** Also flushes. */
  readonly shutdown: () => Promise<void>
}

export type Metadata = Readonly<Record<string, string>>

/** The user whose events `log` logs. */
export const defaultUser = "ada"

export const userOf = (userID: string) => ({
  userID,
  email: `${userID}@example.com`,
  privateAttributes: { secret: `${privateMarker}-${userID}` },
})

export const customEvents: ReadonlyArray<
  readonly [name: string, value: string | number | undefined, sent: string]
> = [
  ["add_to_cart", "SKU-1", "SKU-1"],
  ["purchase", 12.5, "12.5"],
  ["page_view", undefined, ""],
  ["ünïcødé_事件", "🎉", "🎉"],
]

/** What {@link customEvents} come to, logged with `by` as metadata. */
export const customLogged = (by: string): ReadonlyArray<Logged> =>
  customEvents.map(([eventName, , value]) => ({ eventName, value, details: { by } }))

const exposuresLogged: ReadonlyArray<Logged> = [
  {
    eventName: "statsig::gate_exposure",
    value: "",
    details: { gate: "new_checkout", gateValue: true, ruleID: "new_checkout_rule" },
  },
  { eventName: "statsig::experiment_exposure", value: "", details: { config: "shop", ruleID: "shop_rule" } },
  { eventName: "statsig::layer_exposure", value: "", details: { config: "header", parameterName: "color" } },
]

/** What checking the gate, the config and the layer comes to besides. */
export const allLogged = (by: string): ReadonlyArray<Logged> => [...exposuresLogged, ...customLogged(by)]
