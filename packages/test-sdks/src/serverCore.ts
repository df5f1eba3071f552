import { Statsig, StatsigUser } from "@statsig/statsig-node-core"
import { customEvents, customLogged, defaultUser, type Sdk, userOf } from "./Sdk.ts"

/**
 * `@statsig/statsig-node-core`: zstd with its header. Nobody gives it config specs, so it checks
 * nothing.
 */
export const startServerCore = async (url: string, key: string): Promise<Sdk> => {
  const server = new Statsig(key, {
    logEventUrl: `${url}/v1/log_event`,
    specsUrl: `${url}/v1/download_config_specs`,
    fallbackToStatsigApi: false,
    disableCountryLookup: true,
    outputLogLevel: "none",
    eventLoggingFlushIntervalMs: 3_600_000,
    specsSyncIntervalMs: 3_600_000,
  })
  await server.initialize()
  return {
    work: (userID) => {
      const user = new StatsigUser(userOf(userID))
      for (const [name, value] of customEvents) server.logEvent(user, name, value ?? null, { by: userID })
      return customLogged(userID)
    },
    log: (name, value, metadata) =>
      server.logEvent(new StatsigUser(userOf(defaultUser)), name, value ?? null, { ...metadata }),
    flush: async () => void (await server.flushEvents()),
    shutdown: async () => void (await server.shutdown()),
  }
}
