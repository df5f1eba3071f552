import { defineConfig } from "vitest/config"

// One file at a time: a test has five seconds, also on a machine that is busy.
export default defineConfig({ test: { include: ["*.test.ts"], fileParallelism: false } })
