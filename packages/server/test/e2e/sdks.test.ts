import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expectExactly, keys, privateMarker, sdks } from "@millrace/test-sdks"
import { describe, expect, test } from "vitest"
import { type Server, serve } from "../support/command.ts"
import { lockDatabase } from "../support/lock.ts"
import { type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const startServer = (receiver: Receiver, cwd: string): Promise<Server> =>
  serve(["--server-key", keys.server[0], "--client-key", keys.client[0], "--webhook", receiver.url], { cwd })

/** Stopping sends what is still pending: whatever should not have come comes now. */
const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

describe.each(sdks)("$name", ({ start }) => {
  test("every event arrives once, and nothing else does", async () => {
    const directory = tempDir()
    const receiver = await receive()
    const server = await startServer(receiver, directory)
    const sdk = await start(server.url)
    const wanted = sdk.work("ada")
    await sdk.shutdown()
    await receiver.until(() => receiver.events.length >= wanted.length)
    await stop(server)

    expectExactly(receiver.events, wanted)
    for (const event of receiver.events) {
      expect(event.userID).toBe("ada")
      expect(event.user).toMatchObject({ userID: "ada", email: "ada@example.com" })
    }
    expect(JSON.stringify(receiver.requests)).not.toContain(privateMarker)
    const stored = readdirSync(directory).map((name) => readFileSync(join(directory, name)))
    expect(Buffer.concat(stored).includes(privateMarker)).toBe(false)
    expect(Buffer.concat(stored).includes("add_to_cart")).toBe(true)
  })

  test("while the store is locked it is told to come again: nothing is lost, nothing comes twice", async () => {
    const directory = tempDir()
    const receiver = await receive()
    const server = await startServer(receiver, directory)
    const sdk = await start(server.url)
    const lock = lockDatabase(join(directory, "millrace.db"))
    const wanted = sdk.work("ada")
    const flushed = sdk.flush()
    await server.until(() => server.stderr().includes("the store took no events"))
    lock.release()
    await flushed
    // Some send again what was refused only now, or in a minute.
    await sdk.shutdown()
    await receiver.until(() => receiver.events.length >= wanted.length)
    await stop(server)
    expectExactly(receiver.events, wanted)
  })
})
