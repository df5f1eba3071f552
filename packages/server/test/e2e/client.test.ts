import { createHmac } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { clientCases, clientOptions, RawConnection, untrustedPeer } from "@millrace/testkit"
import { expect, test } from "vitest"
import { serve } from "../support/command.ts"
import { eventHeaders } from "../support/load.ts"
import { type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

// What is kept of the client that sends a request, from the config file to the receiver.

const key = "secret-client"

const start = async (config: object, args: ReadonlyArray<string> = []) => {
  const cwd = tempDir()
  const receiver = await receive()
  const destinations = [{ id: "hook", url: receiver.url, batch: { maxDelay: 0 } }]
  const settings = { store: "memory:", keys: { server: [key] }, destinations, ...config }
  writeFileSync(join(cwd, "millrace.config.json"), JSON.stringify(settings))
  return { server: await serve(args, { cwd }), receiver }
}

/** Over a connection of its own, so that every worker gets some. */
const send = async (
  url: string,
  userID: string,
  headers: ReadonlyArray<readonly [string, string]>,
): Promise<void> => {
  const connection = await RawConnection.open(url)
  const events = [{ eventName: "seen", user: { userID }, time: Date.now() }]
  const reply = await connection.exchange({
    method: "POST",
    path: "/v1/log_event",
    headers: [...Object.entries(eventHeaders(key)), ...headers],
    body: JSON.stringify({ events }),
  })
  connection.destroy()
  expect(reply.status).toBe(202)
}

const usersOf = ({ events }: Receiver) =>
  Object.fromEntries(events.map(({ user }) => [user["userID"] as string, user]))

const agent = ["user-agent", "the client's own"] as const

test.each([[[]], [["--workers", "2"]]])("is the same by every process: serve %s", async (args) => {
  const { server, receiver } = await start({ client: clientOptions }, args)
  for (const { name, headers } of clientCases) await send(server.url, name, [...headers, agent])
  await receiver.until(() => receiver.events.length === clientCases.length)
  const expected = clientCases.map(({ name, ip }) => [
    name,
    { userID: name, ...(ip === null ? {} : { ip }), userAgent: agent[1] },
  ])
  expect(usersOf(receiver)).toEqual(Object.fromEntries(expected))
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  for (const text of [metrics, server.stdout(), server.stderr()]) {
    expect(text).not.toMatch(/192\.0\.2\.1|198\.51\.100|the client's own/)
  }
})

test("is hashed with the key that is set, in every process", async () => {
  const hashKey = "sixteen characters"
  const { server, receiver } = await start({ hashKey, client: { ip: "hash" } }, ["--workers", "2"])
  await send(server.url, "u", [])
  await receiver.until(() => receiver.events.length === 1)
  const ip = createHmac("sha256", hashKey).update(untrustedPeer).digest("hex")
  expect(receiver.events[0]!.user).toEqual({ userID: "u", ip })
})
