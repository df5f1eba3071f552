import type { Reporter, TestModule } from "vitest/node"

/** Says at the end which tests were skipped for want of a server, and how to get it. */
export const missingServers: Reporter = {
  onTestRunEnd: (modules: ReadonlyArray<TestModule>) => {
    const reasons = modules
      .flatMap((module) => [...module.children.allTests("skipped")])
      .flatMap(({ name }) => /\(skipped: (no .*; start one with .*)\)$/.exec(name)?.slice(1) ?? [])
    for (const reason of new Set(reasons)) process.stdout.write(`Some tests were skipped: ${reason}\n`)
  },
}
