import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { type Server, serve } from "../support/command.ts"
import { lockDatabase } from "../support/lock.ts"
import { type ReceivedEvent, type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"
import { type Logged, privateMarker, type Sdk, startJsClient, startStatsigNode } from "../support/sdks.ts"

const serverKey = "secret-sdks"
const clientKey = "client-sdks"

const sdks: ReadonlyArray<readonly [name: string, start: (url: string) => Sdk | Promise<Sdk>]> = [
  ["statsig-node", (url) => startStatsigNode(url, serverKey)],
  ["@statsig/js-client", (url) => startJsClient(url, clientKey, "ada", false)],
  ["@statsig/js-client with gzip", (url) => startJsClient(url, clientKey, "ada", true)],
]

const startServer = (receiver: Receiver, cwd: string): Promise<Server> =>
  serve(["--server-key", serverKey, "--client-key", clientKey, "--webhook", receiver.url], { cwd })

const byName = (a: Logged | ReceivedEvent, b: Logged | ReceivedEvent): number =>
  a.eventName < b.eventName ? -1 : 1

/** A received event, reduced to what the SDK was asked to log. */
const asLogged = (event: ReceivedEvent, wanted: Logged | undefined): Logged => {
  const all = { ...event.metadata, ...event.statsigMetadata }
  return {
    eventName: event.eventName,
    value: event.value,
    details: Object.fromEntries(Object.keys(wanted?.details ?? all).map((name) => [name, all[name]])),
  }
}

const expectExactly = (receiver: Receiver, wanted: ReadonlyArray<Logged>): void => {
  const expected = [...wanted].sort(byName)
  const received = [...receiver.events].sort(byName)
  expect(received.map((event, index) => asLogged(event, expected[index]))).toEqual(expected)
  expect(new Set(received.map(({ timeUUID }) => timeUUID)).size).toBe(received.length)
}

/** Stopping sends what is still pending: whatever should not have come comes now. */
const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

describe.each(sdks)("%s", (_name, start) => {
  test("every event arrives once, and nothing else does", async () => {
    const directory = tempDir()
    const receiver = await receive()
    const server = await startServer(receiver, directory)
    const sdk = await start(server.url)
    const wanted = sdk.work("ada")
    await sdk.shutdown()
    await receiver.until(() => receiver.events.length >= wanted.length)
    await stop(server)

    expectExactly(receiver, wanted)
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
    await receiver.until(() => receiver.events.length >= wanted.length)
    await sdk.shutdown()
    await stop(server)
    expectExactly(receiver, wanted)
  })
})
