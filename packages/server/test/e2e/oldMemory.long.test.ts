import { expect, test } from "vitest"
import { serve } from "../support/command.ts"
import { key } from "../support/pipeline.ts"
import { tempDir } from "../support/resources.ts"
import { workersOf } from "../support/workers.ts"

const preload = new URL("../support/growOld.mjs", import.meta.url).href

test.each([
  ["its one process", []],
  ["each of its processes", ["--workers", "2"]],
])("serve has old memory collected in %s", async (_, args) => {
  const server = await serve(["--store", "memory:", "--server-key", key, ...args], {
    cwd: tempDir(),
    env: { NODE_OPTIONS: `--import ${preload}` },
  })
  const pids = [server.pid, ...workersOf(server)]
  expect(pids).toHaveLength(args.length === 0 ? 1 : 3)
  expect(server.stderr()).not.toContain("collects old memory")
  for (const pid of pids) process.kill(pid, "SIGUSR2")
  await server.until(() =>
    pids.every((pid) => server.stderr().includes(`process ${pid} collects old memory\n`)),
  )
})
