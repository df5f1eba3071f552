/** `npm run bench -- [ingest | delivery | fanout | isolation | stores] [options]`; without a name, all of them. */
const benchmarks = {
  ingest: () => import("./ingest.ts"),
  delivery: () => import("./delivery.ts"),
  latency: () => import("./latency.ts"),
  memory: () => import("./memory.ts"),
  growth: () => import("./growth.ts"),
  stages: () => import("./stages.ts"),
  guard: () => import("./guard.ts"),
  fanout: () => import("./fanout.ts"),
  isolation: () => import("./isolation.ts"),
  stores: () => import("./stores.ts"),
}

const name = process.argv[2]
if (name !== undefined && name in benchmarks) {
  process.argv.splice(2, 1)
  await benchmarks[name as keyof typeof benchmarks]()
} else for (const start of Object.values(benchmarks)) await start()
