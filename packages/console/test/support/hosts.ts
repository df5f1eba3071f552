import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type IncomingMessage, type RequestListener, request, Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Millrace as Core } from "@millrace/core"
import { Millrace } from "@millrace/node"
import { onTestFinished } from "vitest"

export const adminToken = "a-full-token-0123456789"
export const adminReadToken = "a-read-token-0123456789"

/** A small page, until the test is over. */
export const makePage = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-page-"))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  mkdirSync(join(directory, "assets"))
  writeFileSync(join(directory, "index.html"), "<!doctype html><title>Console</title>")
  writeFileSync(join(directory, "assets", "index-Ab3_x9Zq.js"), `// ${"x".repeat(2000)}\n`)
  writeFileSync(join(directory, "assets", "notes.exe"), "not served")
  writeFileSync(join(directory, "..", "millrace-outside.html"), "outside")
  return directory
}

type Options = Omit<Millrace.MakeOptions, "store">

export const makeMillrace = async (options: Options = {}): Promise<Core.Millrace> => {
  const millrace = await Millrace.make({ keys: "none", ...options })
  onTestFinished(async () => void (await millrace.close()))
  return millrace
}

/** Listens on a free port until the test is over. */
export const listen = async (listener: RequestListener | Server): Promise<number> => {
  const server = listener instanceof Server ? listener : new Server(listener)
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return (server.address() as AddressInfo).port
}

export interface Question {
  readonly method?: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly text: string
  readonly json: unknown
}

/** Sends a request; the reply's body is still to be read. */
export const begin = (port: number, question: Question): Promise<IncomingMessage> => {
  const { path, body, headers = {}, method = body === undefined ? "GET" : "POST" } = question
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sending = request({
      host: "127.0.0.1",
      ...{ port, method, path, agent: false },
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    })
    sending.once("error", reject)
    sending.once("response", resolve)
    sending.end(text)
  })
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const ask = async (port: number, question: Question): Promise<Reply> => {
  const response = await begin(port, question)
  const chunks: Array<Buffer> = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return { status: response.statusCode!, headers: response.headers, text, json: parse(text) }
}

/** The cookie that a sign-in gets, as a browser sends it back. */
export const signIn = async (port: number, base: string, token = adminToken): Promise<string> => {
  const { headers } = await ask(port, { path: `${base}/admin/v1/console/sign-in`, body: { token } })
  return headers["set-cookie"]![0]!.split(";", 1)[0]!
}
