import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { outcome, serve } from "../support/command.ts"
import { key, stop } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const fromFile = "Bearer t0ken-of-a-file"
const fromEnvironment = "Bearer t0ken-of-a-variable"
const secrets = ["t0ken-of-a-file", "t0ken-of-a-variable"]

const post = (url: string, eventName: string) =>
  fetch(`${url}/v1/log_event`, {
    method: "POST",
    headers: { "statsig-api-key": key, "statsig-client-time": String(Date.now()) },
    body: JSON.stringify({ events: [{ eventName, user: { userID: "u" }, time: Date.now() }] }),
  })

test("a receiver that demands a token gets all events, and the token is found nowhere else", async () => {
  const receiver = await receive()
  const directory = tempDir()
  const folder = tempDir()
  writeFileSync(join(folder, "token"), `${fromFile}\n`)
  const batch = { maxDelay: "20 millis" }
  const retry = { first: "10 millis", max: "20 millis" }
  const destination = (id: string, authorization: unknown) => ({
    ...{ id, url: `${receiver.url}/${id}`, batch, retry },
    headers: { authorization, "x-team": "growth" },
  })
  writeFileSync(
    join(directory, "millrace.config.json"),
    JSON.stringify({
      keys: { server: [key] },
      destinations: [
        destination("file", { file: join(folder, "token") }),
        destination("variable", { env: "RECEIVERS_TOKEN" }),
      ],
    }),
  )
  const options = { cwd: directory, env: { RECEIVERS_TOKEN: fromEnvironment } }
  // It shows what it was sent, as some do, and knows nobody.
  receiver.answer = (_, url) => ({
    status: 401,
    body: `who is ${url.endsWith("file") ? fromFile : fromEnvironment}?`,
  })
  const server = await serve([], options)
  expect((await post(server.url, "a")).status).toBe(202)
  await receiver.until(() => receiver.requests.length >= 4)
  const seen = [await (await fetch(`${server.url}/metrics`)).text()]
  for (const command of [["destinations", "list", "--json"], ["attempts", "--json"], ["doctor"]]) {
    const { stdout, stderr } = await outcome(command, options)
    seen.push(stdout, stderr)
  }
  receiver.answer = 200
  await receiver.until(() => receiver.events.length === 2)
  const tokenOf = (id: string) =>
    receiver.requests.find(({ url }) => url.endsWith(id))?.headers["authorization"]
  expect([tokenOf("file"), tokenOf("variable")]).toEqual([fromFile, fromEnvironment])
  await stop(server)
  seen.push(server.stdout(), server.stderr())
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    if (statSync(path).isFile()) seen.push(readFileSync(path, "latin1"))
  }
  // What it dies of says nothing either.
  const dying = await outcome(["serve", "--port", "0", "--store", "sqlite:/nowhere/at/all.db"], options)
  seen.push(dying.stdout, dying.stderr)

  expect(seen.join("\n")).toContain("answered 401: who is ***")
  for (const secret of secrets) expect(seen.filter((text) => text.includes(secret))).toEqual([])
})

test("a token that is not there is a mistake of the configuration, by its path", async () => {
  const directory = tempDir()
  const headers = { authorization: { env: "RECEIVERS_TOKEN" }, "x-key": { file: join(directory, "none") } }
  writeFileSync(
    join(directory, "millrace.config.json"),
    JSON.stringify({ keys: { server: [key] }, destinations: [{ id: "a", url: "https://a.test/", headers }] }),
  )
  const { code, stderr } = await outcome(["serve", "--port", "0"], { cwd: directory })
  expect(code).toBe(1)
  expect(stderr).toContain("destinations[0].headers.authorization: the environment variable is not set")
  expect(stderr).toContain("destinations[0].headers.x-key: the file is not there")
})
