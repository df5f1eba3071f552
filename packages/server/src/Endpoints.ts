import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import type { Ledger, Readiness } from "@millrace/core/host"
import { type Ingest, type Millrace, nodeHandler } from "@millrace/node"
import * as Effect from "effect/Effect"
import type { HealthPath } from "./healthPaths.ts"
import * as Metrics from "./metrics/Metrics.ts"
import * as Prometheus from "./metrics/Prometheus.ts"

interface Reply {
  readonly status: number
  readonly body: string
  readonly contentType?: string
  readonly allow?: string
}

const json = (status: number, value: unknown): Reply => ({ status, body: JSON.stringify(value) })

const ok = json(200, { status: "ok" })
const readyReply = (problem: string | null): Reply =>
  problem === null ? ok : json(503, { message: problem, status: 503 })
const notAllowed: Reply = { ...json(405, { message: "method not allowed", status: 405 }), allow: "GET, HEAD" }
const failed = json(500, { message: "internal error", status: 500 })

const write = (
  res: ServerResponse,
  { status, body, contentType = "application/json", allow }: Reply,
): void => {
  res.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(allow === undefined ? {} : { allow }),
  })
  res.end(body)
}

/**
 * How long the store may take to say how destinations are doing, before the other metrics are shown
 * without.
 */
const statusTimeout = 2_000

/** `null` when the store does not answer in time. */
const statusesOf = (millrace: Millrace.Millrace): Promise<ReadonlyArray<Ledger.DestinationStatus> | null> =>
  Effect.runPromise(
    Effect.tryPromise(() => millrace.destinations()).pipe(
      Effect.timeout(statusTimeout),
      Effect.orElseSucceed(() => null),
    ),
  )

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

/** @param workers what the server's other processes have counted; `null` when it has none */
export const health = (
  millrace: Millrace.Millrace,
  version: string,
  workers: () => Promise<Metrics.Workers | null> = () => Promise.resolve(null),
): Health => ({
  problem: () => problemOf(millrace),
  metrics: async () => {
    const [statuses, counted, problem] = await Promise.all([
      statusesOf(millrace),
      workers(),
      problemOf(millrace),
    ])
    return Metrics.text({
      version,
      own: Metrics.report(),
      statuses,
      workers: counted,
      isReady: problem === null,
    })
  },
})

/** Answers a request, or says that it is somebody else's. */
export type Others = (req: IncomingMessage, res: ServerResponse, next: () => void) => void

/**
 * What operators ask: `/livez`, `/readyz`, `/metrics`. Any other path is a 404.
 *
 * @param others those who answer some of these paths
 */
export const listener = (
  ingest: Ingest,
  { problem, metrics }: Health,
  others: Others = (_req, _res, next) => next(),
): RequestListener => {
  const replies: Readonly<Record<HealthPath, () => Promise<Reply>>> = {
    "/livez": () => Promise.resolve(ok),
    "/readyz": async () => readyReply(await problem()),
    "/metrics": async () => ({ status: 200, contentType: Prometheus.contentType, body: await metrics() }),
  }
  const routes: ReadonlyMap<string, () => Promise<Reply>> = new Map(Object.entries(replies))
  const notOurs = nodeHandler(ingest)
  return (req: IncomingMessage, res: ServerResponse) => {
    const route = routes.get((req.url ?? "/").split("?", 1)[0]!)
    if (route === undefined) return others(req, res, () => notOurs(req, res))
    if (req.method !== "GET" && req.method !== "HEAD") return write(res, notAllowed)
    route().then(
      (reply) => write(res, reply),
      () => write(res, failed),
    )
  }
}
