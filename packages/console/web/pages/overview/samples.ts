/** What sends a first event, for each kind of sender: lines to paste, and no more. */
export const senders = ["curl", "JavaScript", "Node", "Python", "iOS", "Another"] as const

export type Sender = (typeof senders)[number]

/** @param base where events are taken, with `/v1` */
export const sampleOf = (sender: Sender, base: string): string => {
  switch (sender) {
    case "curl":
      return `curl ${base}/webhooks/event_webhook \\
  -H 'statsig-api-key: secret-…' \\
  -d '{"event": "hello", "user": {"userID": "me"}}'`
    case "JavaScript":
      return `import { StatsigClient } from "@statsig/js-client"

const client = new StatsigClient("client-…", { userID: "me" }, {
  networkConfig: { logEventUrl: "${base}/rgstr" },
})
client.logEvent("hello")
await client.flush()`
    case "Node":
      return `import { Statsig, StatsigUser } from "@statsig/statsig-node-core"

const statsig = new Statsig("secret-…", { logEventUrl: "${base}/log_event" })
await statsig.initialize()
statsig.logEvent(new StatsigUser({ userID: "me" }), "hello")
await statsig.flushEvents()`
    case "Python":
      return `from statsig_python_core import Statsig, StatsigOptions, StatsigUser

options = StatsigOptions(log_event_url="${base}/log_event")
statsig = Statsig("secret-…", options)
statsig.initialize().wait()
statsig.log_event(StatsigUser("me"), "hello")
statsig.flush_events().wait()`
    case "iOS":
      return `let options = StatsigOptions()
options.eventLoggingURL = "${base}/rgstr"
Statsig.initialize(sdkKey: "client-…", user: StatsigUser(userID: "me"), options: options)
Statsig.logEvent("hello")
Statsig.flush()`
    case "Another":
      return `# Where events go, for whatever option the SDK has:
${base}/log_event    # servers
${base}/rgstr        # browsers and apps`
  }
}
