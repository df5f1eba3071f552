// Preloaded into a server by NODE_OPTIONS: says on standard error, once, that this process has
// asked V8 for a collection of its young generation.
import { constants, PerformanceObserver } from "node:perf_hooks"

const { NODE_PERFORMANCE_GC_MINOR: minor, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants

const observer = new PerformanceObserver((list) => {
  if (!list.getEntries().some(({ detail }) => detail.kind === minor && (detail.flags & forced) !== 0)) return
  observer.disconnect()
  process.stderr.write(`process ${process.pid} collects young memory\n`)
})
observer.observe({ entryTypes: ["gc"] })
