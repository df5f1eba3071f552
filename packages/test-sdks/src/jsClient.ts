import { LogEventCompressionMode, StatsigClient } from "@statsig/js-client"
import { allLogged, customEvents, defaultUser, type Sdk, userOf } from "./Sdk.ts"
import { initializeValues } from "./specs.ts"

/**
 * `@statsig/js-client`: its key in the query, text without compression, or gzip that only `gz=1`
 * tells of.
 */
export const startJsClient = (url: string, key: string, compress: boolean): Sdk => {
  const client = new StatsigClient(key, userOf(defaultUser), {
    loggingEnabled: "always",
    loggingBufferMaxSize: 1_000,
    logEventCompressionMode: compress ? LogEventCompressionMode.Forced : LogEventCompressionMode.Disabled,
    networkConfig: {
      logEventUrl: `${url}/v1/rgstr`,
      // Nothing in a test is to reach the real ones.
      initializeUrl: `${url}/v1/initialize`,
      sdkExceptionUrl: `${url}/v1/sdk_exception`,
    },
  })
  client.dataAdapter.setData(JSON.stringify(initializeValues(defaultUser)))
  client.initializeSync({ disableBackgroundCacheRefresh: true })
  return {
    work: (worker) => {
      client.checkGate("new_checkout")
      client.getDynamicConfig("shop")
      client.getLayer("header").get("color")
      for (const [name, value] of customEvents) client.logEvent(name, value, { by: worker })
      return allLogged(worker)
    },
    log: (name, value, metadata) => client.logEvent(name, value, { ...metadata }),
    flush: () => client.flush(),
    shutdown: () => client.shutdown(),
  }
}
