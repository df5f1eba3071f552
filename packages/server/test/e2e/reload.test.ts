import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { serve } from "../support/command.ts"
import { eventHeaders, eventsBody, post } from "../support/load.ts"
import { receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

test("SIGHUP: workers and destinations go by the file as it is now, and a mistake in it ends nothing", async () => {
  const directory = tempDir()
  const [first, second] = [await receive(), await receive()]
  const write = (content: unknown): void =>
    writeFileSync(
      join(directory, "millrace.config.json"),
      typeof content === "string" ? content : JSON.stringify(content),
    )
  const destination = (id: string, url: string) => ({ id, url, batch: { maxDelay: 0 } })
  write({
    store: "memory:",
    workers: 2,
    keys: { server: ["secret-old"] },
    destinations: [destination("first", first.url)],
  })
  const server = await serve([], { cwd: directory })
  const send = async (id: string, key: string): Promise<number> =>
    (await post(`${server.url}/v1/log_event`, eventHeaders(key), eventsBody([id]))).status
  /** How often a line has been told. */
  const told = (text: string): number => server.stderr().split(text).length - 1
  const reload = async (content: unknown, line: string): Promise<void> => {
    const before = told(line)
    write(content)
    server.kill("SIGHUP")
    await server.until(() => told(line) > before)
  }
  expect(await send("a", "secret-old")).toBe(202)

  await reload(
    {
      store: "memory:",
      workers: 3,
      port: 1,
      keys: { server: ["secret-new"] },
      destinations: [destination("first", first.url), destination("second", second.url)],
    },
    "the configuration has been read again",
  )
  // The port is a flag's.
  expect(server.stderr()).toContain(" destinations=first,second added=second keys=1 needsRestart=workers\n")
  // Each worker has its own connections.
  const replies = Array.from({ length: 8 }, (_, at) =>
    send(`b${at}`, at % 2 === 0 ? "secret-new" : "secret-old"),
  )
  expect(await Promise.all(replies)).toEqual([202, 401, 202, 401, 202, 401, 202, 401])
  await second.until(() => second.events.length === 4)
  await first.until(() => first.events.length === 5)

  await reload('{ "destinations": [{ "id": "third" }] }', "the configuration cannot be used")
  expect(server.stderr()).toContain("millrace.config.json:1:20: destinations[0].url: missing")
  expect(await send("c", "secret-new")).toBe(202)
  await second.until(() => second.events.length === 5)

  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
})
