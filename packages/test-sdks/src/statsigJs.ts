import { StatsigClient } from "statsig-js"
import { allLogged, customEvents, defaultUser, type Sdk, userOf } from "./Sdk.ts"
import { initializeValues } from "./specs.ts"

/**
 * `statsig-js`, the SDK for browsers before `@statsig/js-client`: JSON with its key in a header. It
 * tells nobody when it has sent.
 */
export const startStatsigJs = async (url: string, key: string): Promise<Sdk> => {
  const client = new StatsigClient(key, userOf(defaultUser), {
    api: `${url}/v1`,
    eventLoggingApi: `${url}/v1`,
    initializeValues: initializeValues(defaultUser),
    ignoreWindowUndefined: true,
    disableDiagnosticsLogging: true,
    disableErrorLogging: true,
    loggingBufferMaxSize: 500,
    loggingIntervalMillis: 3_600_000,
  })
  await client.initializeAsync()
  return {
    work: (worker) => {
      client.checkGate("new_checkout")
      client.getConfig("shop")
      client.getLayer("header").get("color", "")
      for (const [name, value] of customEvents) client.logEvent(name, value ?? null, { by: worker })
      return allLogged(worker)
    },
    log: (name, value, metadata) => client.logEvent(name, value ?? null, { ...metadata }),
    flush: async () => client.flushEvents(),
    shutdown: async () => client.shutdown(),
  }
}
