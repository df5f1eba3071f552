import { StatsigClient } from "@statsig/js-client"
import statsigNode from "statsig-node"

const api = `http://127.0.0.1:${process.env.PORT ?? 8080}/v1`
const user = { userID: "user-1", country: "FR" }

// On a server, one base is enough.
const server = new statsigNode.StatsigServer("secret-example", { api, disableDiagnostics: true })
await server.initializeAsync()
console.log("server: everybody", server.checkGate(user, "everybody"))
console.log("server: shop", JSON.stringify(server.getConfig(user, "shop").value))
server.logEvent(user, "order_placed", 12.5)
await server.shutdownAsync()

// In a browser, on paths that ad blockers do not know.
const client = new StatsigClient("client-example", user, {
  loggingEnabled: "always", // in Node, where nobody looks at a page
  networkConfig: { api, logEventUrl: `${api}/my-product-data`, initializeUrl: `${api}/my-start` },
})
await client.initializeAsync()
console.log("browser: testers", client.checkGate("testers"))
console.log("browser: header", client.getLayer("header").get("title"))
client.logEvent("page_viewed")
await client.shutdown()
