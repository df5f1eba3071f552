import { StatsigClient } from "statsig-js"
import { users } from "../standIn/project.ts"
import type { EvaluatingSdk } from "./EvaluatingSdk.ts"
import { parametersOf, type Reader, readAll } from "./reading.ts"

const readerOf = (client: StatsigClient): Reader => ({
  gate: (name) => {
    const gate = client.getFeatureGate(name)
    return { value: gate.getValue(), ruleID: gate.getRuleID(), reason: gate.getEvaluationDetails().reason }
  },
  config: (name) => {
    const config = client.getConfig(name)
    return { value: config.value, ruleID: config.getRuleID(), reason: config.getEvaluationDetails().reason }
  },
  experiment: (name) => {
    const experiment = client.getExperiment(name)
    return {
      value: experiment.value,
      ruleID: experiment.getRuleID(),
      reason: experiment.getEvaluationDetails().reason,
      groupName: experiment.getGroupName(),
    }
  },
  layer: (name, parameters) => {
    const layer = client.getLayer(name)
    return {
      value: parametersOf(parameters, (parameter) => layer.getValue(parameter)),
      ruleID: layer.getRuleID(),
      reason: layer.getEvaluationDetails().reason,
      groupName: layer.getGroupName(),
    }
  },
})

/** `statsig-js`: `api` is the base of its gates, and of its events where nothing else is said. */
export const evaluateStatsigJs = async (url: string, key: string): Promise<EvaluatingSdk> => {
  const client = new StatsigClient(key, users[0]!, {
    api: `${url}/v1`,
    ignoreWindowUndefined: true,
    initTimeoutMs: 30_000,
    disableDiagnosticsLogging: true,
    disableErrorLogging: true,
    loggingBufferMaxSize: 500,
    loggingIntervalMillis: 3_600_000,
  })
  await client.initializeAsync()
  return {
    read: async (user) => {
      await client.updateUser(user)
      return readAll(readerOf(client))
    },
    log: (name, value, metadata) => client.logEvent(name, value ?? null, { ...metadata }),
    flush: async () => client.flushEvents(),
    shutdown: async () => client.shutdown(),
  }
}
