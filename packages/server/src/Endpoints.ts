import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { PrometheusText, type Readiness } from "@millrace/core/host"
import { type Ingest, type Millrace, nodeHandler } from "@millrace/node"
import type { HealthPath } from "./healthPaths.ts"
import * as Metrics from "./metrics/Metrics.ts"
import { makeMayLook } from "./opsKey.ts"

interface Reply {
  readonly status: number
  readonly body: string
  readonly contentType?: string
  readonly allow?: string
  readonly authenticate?: string
}

const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) })

const ok = json(200, { status: "ok" })
const readyReply = (problem: string | null): Reply =>
  problem === null ? ok : json(503, { message: problem, status: 503 })
const notAllowed: Reply = { ...json(405, { message: "method not allowed", status: 405 }), allow: "GET, HEAD" }
const noKey: Reply = {
  ...json(401, { message: "the key is missing or wrong", status: 401 }),
  authenticate: "Bearer",
}
const notFound = json(404, { message: "not found", status: 404 })
const failed = json(500, { message: "internal error", status: 500 })

const write = (
  res: ServerResponse,
  { status, body, contentType = "application/json", allow, authenticate }: Reply,
): void => {
  res.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(allow === undefined ? {} : { allow }),
    ...(authenticate === undefined ? {} : { "www-authenticate": authenticate }),
  })
  res.end(body)
}

/** How the server is. Rejects only by a mistake of ours. */
export interface Health {
  /** Why the server should get no requests, in words for everybody; `null` when it should. */
  readonly problem: () => Promise<string | null>
  /** The text of `GET /metrics`. */
  readonly metrics: () => Promise<string>
}

export const problemOf = async (millrace: Pick<Millrace.Millrace, "readiness">): Promise<string | null> => {
  const found: Readiness.Readiness = await millrace.readiness()
  return found?.problem ?? null
}

/**
 * Makes what `GET /metrics` shows.
 *
 * @returns takes what the server's other processes have counted; `null` when it has none
 */
export const makePage = (
  millrace: Pick<Millrace.Millrace, "host">,
  version: string,
): ((workers: () => Promise<Metrics.Workers | null>) => Promise<string>) => {
  const reportProcess = Metrics.makeProcessReport()
  return async (workers) => {
    const [families, counted] = await Promise.all([millrace.host.families(), workers()])
    return Metrics.text({ version, own: { families, process: reportProcess() }, workers: counted })
  }
}

/** For a server of one process. */
export const health = (millrace: Pick<Millrace.Millrace, "readiness" | "host">, version: string): Health => {
  const page = makePage(millrace, version)
  return { problem: () => problemOf(millrace), metrics: () => page(() => Promise.resolve(null)) }
}

/** Answers a request, or says that it is somebody else's. */
export type Others = (req: IncomingMessage, res: ServerResponse, next: () => void) => void

/** How much is told at an address, and to whom. */
export interface Access {
  /** Where `/readyz` and `/metrics` have an address of their own, they are nowhere else. */
  readonly isElsewhere: boolean
  /** What has to be shown to see them; `null` lets everybody look. */
  readonly key: string | null
}

const everybody: Access = { isElsewhere: false, key: null }

/** Whether the path is one of these, and then it is answered. */
type Answering = (req: IncomingMessage, res: ServerResponse) => boolean

const answering = ({ problem, metrics }: Health, { isElsewhere, key }: Access): Answering => {
  const mayLook = makeMayLook(key)
  const replies: Readonly<Record<HealthPath, () => Promise<Reply>>> = {
    "/livez": () => Promise.resolve(ok),
    "/readyz": async () => readyReply(await problem()),
    "/metrics": async () => ({ status: 200, contentType: PrometheusText.contentType, body: await metrics() }),
  }
  const routes: ReadonlyMap<string, () => Promise<Reply>> = new Map(
    Object.entries(replies).filter(([path]) => !isElsewhere || path === "/livez"),
  )
  return (req, res) => {
    const path = (req.url ?? "/").split("?", 1)[0]!
    const route = routes.get(path)
    if (route === undefined) return false
    if (req.method !== "GET" && req.method !== "HEAD") write(res, notAllowed)
    else if (path !== "/livez" && !mayLook(req)) write(res, noKey)
    else {
      route().then(
        (reply) => write(res, reply),
        () => write(res, failed),
      )
    }
    return true
  }
}

/**
 * What operators ask beside the intake: `/livez`, `/readyz`, `/metrics`. Any other path is a 404.
 *
 * @param others those who answer some of these paths
 */
export const listener = (
  ingest: Ingest,
  health: Health,
  access: Access = everybody,
  others: Others = (_req, _res, next) => next(),
): RequestListener => {
  const answer = answering(health, access)
  const notOurs = nodeHandler(ingest)
  return (req, res) => {
    if (!answer(req, res)) others(req, res, () => notOurs(req, res))
  }
}

/** The same on an address that has nothing else. */
export const opsListener = (health: Health, key: string | null): RequestListener => {
  const answer = answering(health, { isElsewhere: false, key })
  return (req, res) => {
    if (!answer(req, res)) write(res, notFound)
  }
}
