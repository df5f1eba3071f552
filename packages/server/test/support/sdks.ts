import { LogEventCompressionMode, StatsigClient } from "@statsig/js-client"
import statsigNode from "statsig-node"

/** Stands in every user's privateAttributes: nothing that leaves the server may hold it. */
export const privateMarker = "private-marker-7f3a"

/** What an SDK was made to log, as the receiver is to see it. */
export interface Logged {
  readonly eventName: string
  readonly value: string
  /** Of its metadata and statsigMetadata together, what tells it apart. */
  readonly details: Readonly<Record<string, unknown>>
}

/** An unmodified SDK at work. */
export interface Sdk {
  /** Checks a gate, a config and a layer, and logs custom events; returns what that comes to. */
  readonly work: (userID: string) => ReadonlyArray<Logged>
  readonly flush: () => Promise<void>
  /** Also flushes. */
  readonly shutdown: () => Promise<void>
}

const everyone = (id: string, returnValue: unknown) => ({
  id,
  name: id,
  groupName: "Everyone",
  passPercentage: 100,
  salt: id,
  returnValue,
  conditions: [{ type: "public", targetValue: null, operator: null, field: null, additionalValues: {} }],
})

const spec = (name: string, type: string, defaultValue: unknown, returnValue: unknown) => ({
  name,
  type,
  salt: name,
  enabled: true,
  defaultValue,
  entity: type,
  rules: [everyone(`${name}_rule`, returnValue)],
})

/** What Statsig's servers would answer to `download_config_specs`. */
const bootstrapValues = JSON.stringify({
  has_updates: true,
  time: 1,
  feature_gates: [spec("new_checkout", "feature_gate", false, true)],
  dynamic_configs: [spec("shop", "dynamic_config", {}, { currency: "EUR" })],
  layer_configs: [spec("header", "dynamic_config", {}, { color: "blue" })],
  layers: {},
})

const customEvents: ReadonlyArray<readonly [name: string, value: string | number | undefined, sent: string]> =
  [
    ["add_to_cart", "SKU-1", "SKU-1"],
    ["purchase", 12.5, "12.5"],
    ["page_view", undefined, ""],
    ["ünïcødé_事件", "🎉", "🎉"],
  ]

const logged = (userID: string, gateRule: string, configRule: string): ReadonlyArray<Logged> => [
  {
    eventName: "statsig::gate_exposure",
    value: "",
    details: { gate: "new_checkout", gateValue: true, ruleID: gateRule },
  },
  {
    eventName: "statsig::experiment_exposure",
    value: "",
    details: { config: "shop", ruleID: configRule },
  },
  { eventName: "statsig::layer_exposure", value: "", details: { config: "header", parameterName: "color" } },
  ...customEvents.map(([eventName, , value]) => ({ eventName, value, details: { by: userID } })),
]

const userOf = (userID: string) => ({
  userID,
  email: `${userID}@example.com`,
  privateAttributes: { secret: `${privateMarker}-${userID}` },
})

/** @param url of the server */
export const startStatsigNode = async (url: string, key: string): Promise<Sdk> => {
  const server = new statsigNode.StatsigServer(key, {
    api: `${url}/v1`,
    bootstrapValues,
    initStrategyForIDLists: "none",
    initStrategyForIP3Country: "none",
    disableRulesetsSync: true,
    disableIdListsSync: true,
    loggingIntervalMs: 3_600_000,
    postLogsRetryBackoff: 50,
    postLogsRetryLimit: 5,
  })
  await server.initializeAsync()
  return {
    work: (userID) => {
      const user = userOf(userID)
      server.checkGate(user, "new_checkout")
      server.getConfig(user, "shop")
      server.getLayer(user, "header").get("color", "")
      for (const [name, value] of customEvents) server.logEvent(user, name, value ?? null, { by: userID })
      return logged(userID, "new_checkout_rule", "shop_rule")
    },
    flush: () => server.flush(),
    shutdown: () => server.shutdownAsync(),
  }
}

const evaluation = (name: string, value: unknown) => ({
  name,
  value,
  rule_id: `${name}_rule`,
  group: `${name}_rule`,
  is_device_based: false,
  secondary_exposures: [],
})

/** What Statsig's servers would answer to `initialize`. */
const initializeValues = (userID: string) =>
  JSON.stringify({
    user: { userID },
    has_updates: true,
    time: 1,
    hash_used: "none",
    feature_gates: { new_checkout: evaluation("new_checkout", true) },
    dynamic_configs: { shop: evaluation("shop", { currency: "EUR" }) },
    layer_configs: {
      header: {
        ...evaluation("header", { color: "blue" }),
        explicit_parameters: [],
        undelegated_secondary_exposures: [],
      },
    },
  })

/** @param url of the server */
export const startJsClient = (url: string, key: string, userID: string, compress: boolean): Sdk => {
  const client = new StatsigClient(key, userOf(userID), {
    loggingEnabled: "always",
    logEventCompressionMode: compress ? LogEventCompressionMode.Forced : LogEventCompressionMode.Disabled,
    networkConfig: {
      logEventUrl: `${url}/v1/rgstr`,
      // Nothing in a test is to reach the real ones.
      initializeUrl: `${url}/v1/initialize`,
      sdkExceptionUrl: `${url}/v1/sdk_exception`,
    },
  })
  client.dataAdapter.setData(initializeValues(userID))
  client.initializeSync({ disableBackgroundCacheRefresh: true })
  return {
    work: (worker) => {
      client.checkGate("new_checkout")
      client.getDynamicConfig("shop")
      client.getLayer("header").get("color")
      for (const [name, value] of customEvents) client.logEvent(name, value, { by: worker })
      return logged(worker, "new_checkout_rule", "shop_rule")
    },
    flush: () => client.flush(),
    shutdown: () => client.shutdown(),
  }
}
