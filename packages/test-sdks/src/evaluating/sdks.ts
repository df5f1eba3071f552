import { keys } from "../sdks.ts"
import type { EvaluatingSdk } from "./EvaluatingSdk.ts"
import { evaluateJsClient } from "./jsClient.ts"
import { evaluateServerCore } from "./serverCore.ts"
import { evaluateStatsigJs } from "./statsigJs.ts"
import { evaluateStatsigNode } from "./statsigNode.ts"

const [serverKey] = keys.server
const [clientKey] = keys.client

/** Every SDK that runs in Node, with all it needs from one server. */
export const evaluatingSdks = [
  { name: "statsig-node", key: serverKey, evaluates: evaluateStatsigNode },
  { name: "@statsig/statsig-node-core", key: serverKey, evaluates: evaluateServerCore },
  { name: "@statsig/js-client", key: clientKey, evaluates: evaluateJsClient },
  { name: "statsig-js", key: clientKey, evaluates: evaluateStatsigJs },
].map(({ name, key, evaluates }) => ({
  name,
  key,
  /** Servers keep rules, and evaluate them themselves. */
  isServer: key === serverKey,
  /** @param url of the server, without `/v1` */
  start: (url: string): Promise<EvaluatingSdk> => evaluates(url, key),
}))
