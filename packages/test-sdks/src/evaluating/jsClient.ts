import { StatsigClient } from "@statsig/js-client"
import { users } from "../standIn/project.ts"
import type { EvaluatingSdk } from "./EvaluatingSdk.ts"
import { parametersOf, type Reader, readAll } from "./reading.ts"

const readerOf = (client: StatsigClient): Reader => ({
  gate: (name) => {
    const { value, ruleID, details } = client.getFeatureGate(name)
    return { value, ruleID, reason: details.reason }
  },
  config: (name) => {
    const { value, ruleID, details } = client.getDynamicConfig(name)
    return { value, ruleID, reason: details.reason }
  },
  experiment: (name) => {
    const { value, ruleID, details, groupName } = client.getExperiment(name)
    return { value, ruleID, reason: details.reason, groupName }
  },
  layer: (name, parameters) => {
    const layer = client.getLayer(name)
    return {
      value: parametersOf(parameters, (parameter) => layer.get(parameter)),
      ruleID: layer.ruleID,
      reason: layer.details.reason,
      groupName: layer.groupName,
    }
  },
})

/**
 * `@statsig/js-client`: `api` is the base of its gates and its events. What it says of its own
 * failures has a URL of its own.
 */
export const evaluateJsClient = async (url: string, key: string): Promise<EvaluatingSdk> => {
  const client = new StatsigClient(key, users[0]!, {
    loggingEnabled: "always",
    loggingBufferMaxSize: 1_000,
    networkConfig: { api: `${url}/v1`, sdkExceptionUrl: `${url}/v1/sdk_exception` },
  })
  await client.initializeAsync()
  return {
    read: async (user) => {
      await client.updateUserAsync(user)
      return readAll(readerOf(client))
    },
    log: (name, value, metadata) => client.logEvent(name, value, { ...metadata }),
    flush: () => client.flush(),
    shutdown: () => client.shutdown(),
  }
}
