import { startJsClient } from "./jsClient.ts"
import type { Sdk } from "./Sdk.ts"
import { startServerCore } from "./serverCore.ts"
import { startStatsigJs } from "./statsigJs.ts"
import { startStatsigNode } from "./statsigNode.ts"

/** The keys that the SDKs below send. */
export const keys = { server: ["secret-sdks"], client: ["client-sdks"] } as const

const [serverKey] = keys.server
const [clientKey] = keys.client

/** Every way in which the SDKs that run in Node put events into a request. */
export const sdks = [
  { name: "statsig-node", start: (url: string) => startStatsigNode(url, serverKey) },
  { name: "@statsig/statsig-node-core", start: (url: string) => startServerCore(url, serverKey) },
  { name: "@statsig/js-client", start: async (url: string) => startJsClient(url, clientKey, false) },
  { name: "@statsig/js-client with gzip", start: async (url: string) => startJsClient(url, clientKey, true) },
  { name: "statsig-js", start: (url: string) => startStatsigJs(url, clientKey) },
] as const satisfies ReadonlyArray<{
  readonly name: string
  /** @param url of the server, without `/v1` */
  readonly start: (url: string) => Promise<Sdk>
}>

export type SdkName = (typeof sdks)[number]["name"]
