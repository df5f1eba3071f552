import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { makeChanges, tempDir } from "../support/resources.ts"

const page = readFileSync(new URL("../../../../docs/start-here.md", import.meta.url), "utf8")

const bin = fileURLToPath(new URL("../../bin/millrace.mjs", import.meta.url))

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

/** A terminal in which a block of the page is typed. */
const type = (commands: string, cwd: string) => {
  const child = spawn("bash", ["-ec", commands], {
    cwd,
    detached: true,
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const { notify, until } = makeChanges()
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
      notify()
    })
  }
  let hasEnded = false
  const ended = once(child, "close").then(([code]) => {
    hasEnded = true
    notify()
    return code as number | null
  })
  onTestFinished(async () => {
    // With what it has started.
    if (!hasEnded) process.kill(-child.pid!, "SIGKILL")
    await ended
  })
  return {
    ended,
    output: () => output,
    until: async (text: string) => {
      await until(() => output.includes(text) || hasEnded)
      expect(output).toContain(text)
    },
  }
}

test("the commands of docs/start-here.md bring an event to a webhook, and say how it is doing", async () => {
  const ports = { receiver: await freePort(), server: await freePort() }
  const cwd = tempDir()
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) =>
    block!
      .replaceAll("9000", String(ports.receiver))
      .replaceAll("8080", String(ports.server))
      .replaceAll("npx millrace serve", `npx millrace serve --port ${ports.server}`)
      .replaceAll("npx millrace", `"${process.execPath}" "${bin}"`),
  )
  expect(blocks).toHaveLength(4)
  const [receive, serve, post, look] = blocks as [string, string, string, string]

  const receiver = type(receive, cwd)
  const server = type(serve, cwd)
  await server.until("millrace listening on")
  const posted = type(post, cwd)
  expect(await posted.ended).toBe(0)
  expect(posted.output()).toContain('{"success":true}')
  await receiver.until('[{"eventName":"hello","user":{"userID":"you"}')
  const looked = type(look, cwd)
  expect(await looked.ended).toBe(0)
  expect(looked.output()).toMatch(/^id +state +delivered/)
  expect(looked.output()).toMatch(/^ok +ready/m)
})
