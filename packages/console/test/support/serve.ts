// Serves the built page with made-up data, for work on the page alone:
//   npx vite build --watch & npx tsx test/support/serve.ts [first-run | store-down | calm]
import { startStandIn } from "./standIn/server.ts"
import type { Scenario } from "./standIn/world.ts"

const [scenario = "usual", port = "4310"] = process.argv.slice(2)

const { url } = await startStandIn({ open: true, scenario: scenario as Scenario, port: Number(port) })
process.stdout.write(`${url}\n`)
