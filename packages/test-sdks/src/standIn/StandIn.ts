import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { type Named, waitingFor } from "../waitingFor.ts"
import { configSpecsV1, configSpecsV2, idListFile, idLists } from "./configSpecs.ts"
import { type InitializeRequest, makeEvaluator } from "./evaluator.ts"
import { type Project, project as someProject } from "./project.ts"
import { decodedText, readBody, textOf } from "./requestBody.ts"

/** A request that has been answered. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly key: string | undefined
  readonly status: number
  /** When it came, in milliseconds. */
  readonly at: number
}

/** An event as it was sent. */
export interface SentEvent {
  readonly eventName: string
  readonly time?: number
  readonly user?: Readonly<Record<string, unknown>> | null
  readonly value?: unknown
  readonly metadata?: Readonly<Record<string, unknown>> | null
  readonly [more: string]: unknown
}

/** A request with events that has been taken. */
export interface LoggedRequest extends Asked {
  readonly events: ReadonlyArray<SentEvent>
  readonly statsigMetadata: Readonly<Record<string, unknown>>
}

/** How it is away: nobody listens, it says 503, or it takes requests and never answers. */
export type Absence = "refusing" | "unavailable" | "hanging"

/** Answers SDKs as Statsig does, and keeps what they send. */
export interface StandIn {
  /** What SDKs have before `/v1`. */
  readonly url: string
  /** Every request that was answered, in order, those with events too. */
  readonly requests: ReadonlyArray<Asked>
  /** What was taken of events, in order of arrival. */
  readonly logged: ReadonlyArray<LoggedRequest>
  readonly events: () => ReadonlyArray<SentEvent>
  /** Resolves once this many events have arrived, of a name if one is given. */
  readonly until: (count: number, named?: Named) => Promise<void>
  /** How many requests hang. */
  readonly held: () => number
  readonly away: (how?: Absence) => Promise<void>
  readonly back: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface StandInOptions {
  readonly keys: { readonly server: ReadonlyArray<string>; readonly client: ReadonlyArray<string> }
  readonly project?: Project
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

const json = (value: unknown): Answer => ({ status: 200, body: JSON.stringify(value) })
const refused = (status: number): Answer => ({ status, body: JSON.stringify({ success: false, status }) })

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
  "access-control-allow-methods": "GET, POST",
}

/** The routes by what they are for, wherever `/v1` stands. */
const routes = [
  ["specs", /^\/(v[12])\/download_config_specs(?:\/([^/]+)\.json)?$/],
  ["idLists", /^\/v1\/get_id_lists$/],
  ["initialize", /^\/v1\/initialize$/],
  ["events", /^\/v1\/(?:log_event|rgstr|rgstr_b|log_event_beacon)$/],
  ["exception", /^\/v1\/(?:sdk_exception|rgstr_e)$/],
] as const

type RouteName = (typeof routes)[number][0]

const routeOf = (
  path: string,
): { readonly name: RouteName; readonly parts: ReadonlyArray<string> } | null => {
  for (const [name, pattern] of routes) {
    const match = pattern.exec(path)
    if (match !== null) return { name, parts: match.slice(1) }
  }
  return null
}

const listen = async (server: Server, port: number): Promise<number> => {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, "127.0.0.1", resolve)
  })
  return (server.address() as AddressInfo).port
}

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

const flat = (headers: IncomingMessage["headers"]): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))

const send = (req: IncomingMessage, res: ServerResponse, { status, body, headers }: Answer): void => {
  const packs = /\bgzip\b/.test(String(req.headers["accept-encoding"])) && body.length > 256
  const bytes = packs ? gzipSync(body) : Buffer.from(body)
  res.writeHead(status, {
    ...cors,
    "content-type": "application/json",
    "x-statsig-region": "stand-in",
    ...(packs ? { "content-encoding": "gzip", vary: "accept-encoding" } : {}),
    ...headers,
    ...(status === 304 ? {} : { "content-length": bytes.length }),
  })
  res.end(status === 304 ? undefined : bytes)
}

/**
 * Statsig keeps the files of ID lists on a host of their own, which is there when its API is not.
 */
const startStorage = async (project: Project) => {
  const server = createServer((req, res) => {
    const file = idListFile(project.idLists[req.url!.slice(1)] ?? [])
    const from = Number(/^bytes=(\d+)-/.exec(req.headers.range ?? "")?.[1] ?? 0)
    const rest = Buffer.from(file).subarray(from)
    res.writeHead(from === 0 ? 200 : 206, { "content-length": rest.length }).end(rest)
  })
  const url = `http://127.0.0.1:${await listen(server, 0)}`
  return { url, close: () => stop(server) }
}

export const startStandIn = async (options: StandInOptions): Promise<StandIn> => {
  const { keys, project = someProject } = options
  const evaluator = await makeEvaluator(project)
  const storage = await startStorage(project)
  const requests: Array<Asked> = []
  const logged: Array<LoggedRequest> = []
  const events = () => logged.flatMap((request) => request.events)
  const { arrived, until } = waitingFor(events)
  let absence: Absence | null = null
  let held = 0

  const specs = (version: string, asked: URLSearchParams, etag: string | undefined): Answer => {
    if (Number(asked.get("sinceTime")) >= project.time) return json({ has_updates: false })
    const answer = json(version === "v1" ? configSpecsV1(project) : configSpecsV2(project))
    const headers = { etag: `"${version}-${project.time}"` }
    return etag === headers.etag ? { status: 304, body: "", headers } : { ...answer, headers }
  }

  const take = (asked: Asked, text: string): Answer => {
    const body = JSON.parse(text) as Pick<LoggedRequest, "events"> & Partial<LoggedRequest>
    logged.push({ ...asked, status: 202, events: body.events, statsigMetadata: body.statsigMetadata ?? {} })
    arrived()
    return { status: 202, body: JSON.stringify({ success: true }) }
  }

  const answer = async (req: IncomingMessage, asked: Asked, url: URL): Promise<Answer> => {
    const text = decodedText(await textOf(await readBody(req)), url.searchParams, req.headers)
    const route = routeOf(url.pathname)
    if (route === null) return refused(404)
    if (route.name === "exception") return json({ success: true })
    const key = route.parts[1] ?? asked.key ?? ""
    const isServer = keys.server.includes(key)
    if (!isServer && !keys.client.includes(key)) return refused(401)
    switch (route.name) {
      case "specs":
        return isServer
          ? specs(route.parts[0]!, url.searchParams, req.headers["if-none-match"])
          : refused(403)
      case "idLists":
        return isServer ? json(idLists(project, storage.url)) : refused(403)
      case "initialize":
        return { status: 200, body: evaluator.initialize(JSON.parse(text) as InitializeRequest) }
      case "events":
        return take(asked, text)
    }
  }

  /** Requests that are being answered: whoever goes away ends them first. */
  const answering = new Set<Promise<unknown>>()

  const server = createServer(async (req, res) => {
    if (absence === "hanging") {
      held += 1
      res.once("close", () => {
        held -= 1
      })
      return
    }
    if (absence !== null) return send(req, res, refused(503))
    if (req.method === "OPTIONS") return void res.writeHead(204, cors).end()
    const url = new URL(req.url!, "http://stand.in")
    const query = Object.fromEntries(url.searchParams)
    const asked: Asked = {
      method: req.method!,
      path: url.pathname,
      query,
      headers: flat(req.headers),
      key: (req.headers["statsig-api-key"] as string | undefined) ?? query["k"],
      status: 0,
      at: Date.now(),
    }
    const answered = new Promise((resolve) => res.once("close", resolve))
    answering.add(answered)
    const reply = await answer(req, asked, url).catch(() => refused(400))
    requests.push({ ...asked, status: reply.status })
    send(req, res, reply)
    await answered
    answering.delete(answered)
  })
  const port = await listen(server, 0)

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    logged,
    events,
    until,
    held: () => held,
    away: async (how = "refusing") => {
      absence = how
      await Promise.all(answering)
      if (how === "refusing") await stop(server)
    },
    back: async () => {
      absence = null
      // Whoever hangs is let go, and asks again.
      server.closeAllConnections()
      if (!server.listening) await listen(server, port)
    },
    close: async () => {
      await stop(server)
      await storage.close()
      await evaluator.close()
    },
  }
}
