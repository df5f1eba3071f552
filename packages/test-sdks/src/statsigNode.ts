import statsigNode from "statsig-node"
import { allLogged, customEvents, defaultUser, type Sdk, userOf } from "./Sdk.ts"
import { bootstrapValues } from "./specs.ts"

/** `statsig-node`: gzip with its header; what it sends again is plain JSON. */
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
      return allLogged(userID)
    },
    log: (name, value, metadata) =>
      server.logEvent(userOf(defaultUser), name, value ?? null, { ...metadata }),
    flush: () => server.flush(),
    shutdown: () => server.shutdownAsync(),
  }
}
