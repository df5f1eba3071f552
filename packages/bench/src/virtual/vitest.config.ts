import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  test: {
    root: here("../../../../examples/test-a-pipeline"),
    include: ["pipeline.test.ts"],
    setupFiles: [here("./cpuOfTests.ts")],
  },
})
