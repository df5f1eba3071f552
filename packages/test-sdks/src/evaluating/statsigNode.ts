import statsigNode from "statsig-node"
import type { ProjectUser } from "../standIn/project.ts"
import type { EvaluatingSdk } from "./EvaluatingSdk.ts"
import { parametersOf, type Reader, readAll } from "./reading.ts"

type Server = InstanceType<typeof statsigNode.StatsigServer>

const readerOf = (server: Server, user: ProjectUser): Reader => ({
  gate: (name) => {
    const { value, ruleID, evaluationDetails } = server.getFeatureGate(user, name)
    return { value, ruleID, reason: String(evaluationDetails?.reason) }
  },
  config: (name) => {
    const config = server.getConfig(user, name)
    const reason = String(config.getEvaluationDetails()?.reason)
    return { value: config.value, ruleID: config.getRuleID(), reason }
  },
  experiment: (name) => {
    const experiment = server.getExperiment(user, name)
    return {
      value: experiment.value,
      ruleID: experiment.getRuleID(),
      reason: String(experiment.getEvaluationDetails()?.reason),
      groupName: experiment.getGroupName(),
    }
  },
  layer: (name, parameters) => {
    const layer = server.getLayer(user, name)
    return {
      value: parametersOf(parameters, (parameter) => layer.getValue(parameter)),
      ruleID: layer.getRuleID(),
      reason: String(layer.getEvaluationDetails()?.reason),
      groupName: layer.getGroupName(),
    }
  },
})

/** `statsig-node`: `api` is the base of its specs, its ID lists and its events. */
export const evaluateStatsigNode = async (url: string, key: string): Promise<EvaluatingSdk> => {
  const server = new statsigNode.StatsigServer(key, {
    api: `${url}/v1`,
    initStrategyForIP3Country: "none",
    disableDiagnostics: true,
    loggingIntervalMs: 3_600_000,
    postLogsRetryBackoff: 50,
  })
  await server.initializeAsync()
  let last: ProjectUser
  return {
    read: async (user) => {
      last = user
      return readAll(readerOf(server, user))
    },
    log: (name, value, metadata) => server.logEvent(last, name, value ?? null, { ...metadata }),
    flush: () => server.flush(),
    shutdown: () => server.shutdownAsync(),
  }
}
