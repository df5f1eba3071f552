import { Statsig, StatsigUser } from "@statsig/statsig-node-core"
import type { EvaluatingSdk } from "./EvaluatingSdk.ts"
import { parametersOf, type Reader, readAll } from "./reading.ts"

const readerOf = (server: Statsig, user: StatsigUser): Reader => ({
  gate: (name) => {
    const { value, ruleID, details } = server.getFeatureGate(user, name)
    return { value, ruleID, reason: details.reason }
  },
  config: (name) => {
    const { value, ruleID, details } = server.getDynamicConfig(user, name)
    return { value, ruleID, reason: details.reason }
  },
  experiment: (name) => {
    const { value, ruleID, details, groupName } = server.getExperiment(user, name)
    return { value, ruleID, reason: details.reason, groupName }
  },
  layer: (name, parameters) => {
    const layer = server.getLayer(user, name)
    return {
      value: parametersOf(parameters, (parameter) => layer.getValue(parameter)),
      ruleID: layer.ruleID,
      reason: layer.details.reason,
      groupName: layer.groupName,
    }
  },
})

/** `@statsig/statsig-node-core`: it has no one base, but a URL for each thing. */
export const evaluateServerCore = async (url: string, key: string): Promise<EvaluatingSdk> => {
  const server = new Statsig(key, {
    specsUrl: `${url}/v2/download_config_specs`,
    logEventUrl: `${url}/v1/log_event`,
    idListsUrl: `${url}/v1/get_id_lists`,
    enableIdLists: true,
    disableCountryLookup: true,
    initTimeoutMs: 30_000,
    outputLogLevel: "none",
    eventLoggingFlushIntervalMs: 3_600_000,
  })
  await server.initialize()
  let last: StatsigUser
  return {
    read: async (user) => {
      last = new StatsigUser({ ...user })
      return readAll(readerOf(server, last))
    },
    log: (name, value, metadata) => server.logEvent(last, name, value ?? null, { ...metadata }),
    flush: async () => void (await server.flushEvents()),
    shutdown: async () => void (await server.shutdown()),
  }
}
