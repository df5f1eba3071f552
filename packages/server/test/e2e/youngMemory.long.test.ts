import { Agent } from "node:http"
import { expect, test } from "vitest"
import { serve } from "../support/command.ts"
import { eventHeaders, eventsBody, post } from "../support/load.ts"
import { key } from "../support/pipeline.ts"
import { tempDir } from "../support/resources.ts"
import { workersOf } from "../support/workers.ts"

const preload = new URL("../support/reportCollections.mjs", import.meta.url).href

/** Starts a server whose processes say when they collect. */
const setUp = (...args: ReadonlyArray<string>) =>
  serve(["--store", "memory:", "--server-key", key, ...args], {
    cwd: tempDir(),
    env: { NODE_OPTIONS: `--import ${preload}` },
  })

const says = (pid: number) => `process ${pid} collects young memory\n`

test.each([
  ["its one process", []],
  ["each of its workers", ["--workers", "2"]],
])("serve has young memory collected in %s", async (_, args) => {
  const server = await setUp(...args)
  const pids = args.length === 0 ? [server.pid] : workersOf(server)
  expect(pids).toHaveLength(args.length === 0 ? 1 : 2)
  const body = eventsBody(["large"], 2 * 1024 * 1024)
  // Each over a connection of its own, until all processes have had some.
  while (!pids.every((pid) => server.stderr().includes(says(pid)))) {
    const reply = await post(`${server.url}/v1/log_event`, eventHeaders(key), body, new Agent())
    expect(reply.status).toBe(202)
  }
})
