import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { serve } from "../support/command.ts"
import { key, stop } from "../support/pipeline.ts"
import { tempDir } from "../support/resources.ts"

const specs = JSON.stringify({ has_updates: true, time: 1, dynamic_configs: ["x".repeat(2_000_000)] })

/** A stand-in for Statsig's hosts. */
const standIn = async () => {
  const paths: Array<string> = []
  const server = createServer((req, res) => {
    paths.push(req.url ?? "")
    req.resume()
    res.setHeader("content-type", "application/json").end(specs)
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  }
  onTestFinished(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths, close }
}

describe.each([
  ["one process", []],
  ["two workers", ["--workers", "2"]],
])("%s in front of Statsig", (_, args: ReadonlyArray<string>) => {
  test("passes on what SDKs ask for, and after a restart without Statsig has its last documents", async () => {
    const upstream = await standIn()
    const directory = tempDir()
    const { url } = upstream
    writeFileSync(
      join(directory, "millrace.config.json"),
      JSON.stringify({
        keys: { server: [key] },
        statsig: { upstream: { api: url, cdn: url, events: url } },
        paths: { initialize: ["/v1/my-start"] },
      }),
    )
    const start = () => serve(["--statsig-pass-through", ...args], { cwd: directory })
    const ask = async (base: string) => {
      const reply = await fetch(`${base}/v2/download_config_specs/${key}.json`)
      return [reply.status, (await reply.text()) === specs, reply.headers.has("warning")]
    }
    const first = await start()
    expect(await ask(first.url)).toEqual([200, true, false])
    const user = { method: "POST", headers: { "statsig-api-key": key }, body: "{}" }
    expect((await fetch(`${first.url}/v1/my-start`, user)).status).toBe(200)
    expect(upstream.paths).toEqual([`/v2/download_config_specs/${key}.json`, "/v1/initialize"])
    // What is to be kept is kept before it ends.
    await stop(first)
    await upstream.close()

    const second = await start()
    expect(await ask(second.url)).toEqual([200, true, true])
    expect((await fetch(`${second.url}/v1/initialize`, user)).status).toBe(503)
    await stop(second)
    expect(first.stderr() + second.stderr()).not.toContain(key)
  })
})
