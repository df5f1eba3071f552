import { readFile } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { extname, join, normalize } from "node:path"
import { fileURLToPath } from "node:url"
import type {
  EventFound,
  EventRow,
  Frame,
  InputOf,
  OutputOf,
  Path,
  Status,
  Streamed,
} from "../../../web/api/rows.ts"
import { cursorAt, nextRow, traceOf, type Wanted } from "./events.ts"
import { names } from "./names.ts"
import { makePages } from "./pages.ts"
import { Refused } from "./refused.ts"
import { intakeHistoryAt, rateAt, refusalsAt, type Scenario, statusAt } from "./world.ts"

/** Where `vite build` has put the page. */
const built = fileURLToPath(new URL("../../../dist/page/", import.meta.url))

export const token = "stand-in"

/** The strictest policy that the console promises to live under. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ")

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
}

type Answers = { readonly [P in Path]?: (input: InputOf<P>) => OutputOf<P> | Promise<OutputOf<P>> }

export interface StandInOptions {
  readonly scenario?: Scenario
  readonly role?: "full" | "read"
  /** Nobody has to sign in. */
  readonly open?: boolean
  /** Rows of a frame that is not narrowed down: 1, as the server sends them. */
  readonly rowsOfFrame?: number
  /** Between two slices of a search, in ms. */
  readonly pace?: number
  readonly port?: number
  /** Actions that fail until `mend`, with status and message. */
  readonly failing?: Readonly<Record<string, readonly [number, string]>>
}

export interface StandIn {
  readonly url: string
  /** What it shows from now on. */
  scenario: Scenario
  /** Changes a status before it is sent. */
  alter: (status: Status) => Status
  /** Answers in place of its own. */
  readonly answers: { -readonly [P in Path]?: Answers[P] }
  /** What is behind the pages of destinations, dead letters and keys. */
  readonly pages: ReturnType<typeof makePages>
  /** What was asked for, newest last. */
  readonly asked: Array<{ readonly path: string; readonly input: unknown }>
  /** Has an action fail until `mend`. */
  readonly fail: (path: Path, status: number, message: string) => void
  /** Rows that the next frame has in place of others. */
  next: ReadonlyArray<EventRow>
  /** Ends all streams, and refuses new ones until `mend`. */
  readonly cut: () => void
  readonly mend: () => void
  readonly close: () => Promise<void>
}

const bodyOf = async (req: IncomingMessage): Promise<unknown> => {
  let text = ""
  for await (const chunk of req) text += chunk
  return JSON.parse(text)
}

const frameRate = 4

/**
 * Serves the built page, and answers as the server would, from made-up data: for states that are
 * hard to have for real, and for work on the page alone.
 */
export const startStandIn = async (options: StandInOptions = {}): Promise<StandIn> => {
  const streams = new Set<ServerResponse>()
  let signedIn = options.open === true
  let isCut = false
  const failures = new Map(Object.entries(options.failing ?? {}))
  const role = options.role ?? "full"
  const rows = new Map<string, EventRow>()
  const remember = (row: EventRow): EventRow => {
    rows.set(row[0], row)
    if (rows.size > 5_000) rows.delete(rows.keys().next().value!)
    return row
  }
  const statusNow = () => standIn.alter(pages.with(statusAt(Date.now(), standIn.scenario)))
  const pages = makePages(() => statusAt(Date.now(), standIn.scenario))

  const own: Answers = {
    ...pages.answers,
    "console/sign-in": ({ token: given }) => {
      if (given !== token) throw new Refused(401, "the token is wrong")
      signedIn = true
      return { role, until: Date.now() + 43_200_000 }
    },
    "console/sign-out": () => {
      signedIn = false
      return {}
    },
    "console/whoami": () => ({ role, until: Date.now() + 43_200_000 }),
    status: () => ({
      version: "0.1.0",
      pid: 4127,
      startedAt: Date.now() - 18_720_000,
      url: "http://127.0.0.1:8080",
    }),
    "names/list": ({ limit = 100, contains = "" }) => {
      const found =
        standIn.scenario === "first-run" ? [] : names.filter((one) => one.eventName.includes(contains))
      return { names: found.slice(0, limit), total: found.length }
    },
    "intake/history": () => intakeHistoryAt(Date.now()),
    "intake/refusals": () => ({ refusals: standIn.scenario === "usual" ? refusalsAt(Date.now()) : [] }),
    "destinations/try-now": () => ({}),
    "destinations/enable": () => ({}),
    "events/get": ({ place, id }) => {
      if (id?.startsWith("0000")) throw new Refused(404, "no such event is kept")
      const row =
        (place === undefined ? undefined : rows.get(place)) ??
        nextRow(Date.now() - 41_000, { user: "u_48213", name: "checkout_completed" })
      return traceOf(row, statusNow().destinations)
    },
  }

  const frame = (live: Wanted): Frame => {
    const now = Date.now()
    const isNarrowed = live.user !== undefined || live.name !== undefined || live.text !== undefined
    const count =
      standIn.scenario === "first-run"
        ? 0
        : isNarrowed
          ? Math.random() < 0.2
            ? 1
            : 0
          : (options.rowsOfFrame ?? 1)
    const made = [
      ...Array.from({ length: count }, (_, at) => remember(nextRow(now - 40 - at, live))),
      ...standIn.next.map(remember),
    ]
    standIn.next = []
    const { destinations } = statusNow()
    const behind: Readonly<Record<string, number>> = { warehouse: 4, "growth-crm": 6 }
    const arrived = standIn.scenario === "first-run" ? 0 : Math.round(rateAt(now) / frameRate)
    return {
      at: now,
      arrived,
      matched: isNarrowed ? made.length : arrived,
      looked: arrived,
      missed: 0,
      rows: made.reverse(),
      ids: destinations.map(({ id }) => id),
      cursors: Object.fromEntries(destinations.map(({ id }) => [id, [cursorAt(behind[id] ?? 500_000)]])),
      dead: [],
    }
  }

  const told = (res: ServerResponse, message: Streamed | EventFound): void =>
    void res.write(`data: ${JSON.stringify(message)}\n\n`)

  const streamTo = (
    res: ServerResponse,
    input: { readonly topics: ReadonlyArray<string>; readonly live?: Wanted },
  ) => {
    res.writeHead(200, { "content-type": "text/event-stream" })
    streams.add(res)
    told(res, { status: statusNow() })
    const timers = [setInterval(() => told(res, { status: statusNow() }), 2_000)]
    if (input.topics.includes("live")) {
      const live = input.live ?? {}
      const now = Date.now()
      const before = frame(live)
      const older =
        standIn.scenario === "first-run"
          ? []
          : Array.from({ length: 60 }, (_, at) => remember(nextRow(now - (60 - at) * 250, live)))
      told(res, { frame: { ...before, rows: older.reverse() } })
      timers.push(setInterval(() => told(res, { frame: frame(live) }), 1_000 / frameRate))
    }
    res.on("close", () => {
      streams.delete(res)
      for (const timer of timers) clearInterval(timer)
    })
  }

  const find = async (res: ServerResponse, input: Wanted & { readonly id?: string }) => {
    res.writeHead(200, { "content-type": "text/event-stream" })
    const now = Date.now()
    let isOpen = true
    res.on("close", () => {
      isOpen = false
    })
    let looked = 0
    for (const back of [60_000, 300_000, 3_600_000, 21_600_000, 259_200_000]) {
      if (!isOpen) return
      looked = Math.round((back / 259_200_000) * 33_184_902)
      told(res, { progress: { looked, backTo: now - back } })
      const isThere = input.id === undefined || !input.id.startsWith("0000")
      if (isThere && back <= 3_600_000) told(res, { row: remember(nextRow(now - back / 2, input)) })
      await new Promise((resolve) => setTimeout(resolve, options.pace ?? 120).unref())
    }
    told(res, { done: { looked, backTo: now - 259_200_000, isAll: true } })
    res.end()
  }

  const write = (res: ServerResponse, status: number, body: unknown): void => {
    res.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" })
    res.end(JSON.stringify(body))
  }

  const api = async (req: IncomingMessage, res: ServerResponse, path: string) => {
    const input = await bodyOf(req)
    standIn.asked.push({ path, input })
    if (isCut) return void res.destroy()
    if (!signedIn && !["console/sign-in", "console/sign-out"].includes(path))
      return write(res, 401, { status: 401, message: "sign in first" })
    const failure = failures.get(path)
    if (failure !== undefined) return write(res, failure[0], { status: failure[0], message: failure[1] })
    if (path === "stream") return streamTo(res, input as never)
    if (path === "events/find") return find(res, input as never)
    const answer = (standIn.answers[path as Path] ?? own[path as Path]) as
      | ((input: unknown) => unknown)
      | undefined
    if (answer === undefined) return write(res, 404, { status: 404, message: "there is no such action" })
    try {
      write(res, 200, await answer(input))
    } catch (error) {
      const { status, message } = error instanceof Refused ? error : { status: 500, message: String(error) }
      write(res, status, { status, message })
    }
  }

  const page = async (res: ServerResponse, path: string) => {
    const name = path === "/" ? "index.html" : normalize(path).replace(/^[/.]+/, "")
    try {
      const body = await readFile(join(built, name))
      res.writeHead(200, {
        "content-type": types[extname(name)] ?? "application/octet-stream",
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
      })
      res.end(body)
    } catch {
      res.writeHead(404).end()
    }
  }

  const server = createServer((req, res) => {
    const path = new URL(req.url ?? "/", "http://stand-in").pathname
    if (!path.startsWith("/console/")) return void res.writeHead(404).end()
    const below = path.slice("/console".length)
    void (req.method === "POST" && below.startsWith("/admin/v1/")
      ? api(req, res, below.slice("/admin/v1/".length))
      : page(res, below))
  })
  await new Promise<void>((resolve) => void server.listen(options.port ?? 0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("it listens nowhere")

  const standIn: StandIn = {
    url: `http://127.0.0.1:${address.port}/console/`,
    scenario: options.scenario ?? "usual",
    alter: (status) => status,
    answers: {},
    next: [],
    pages,
    asked: [],
    fail: (path, status, message) => void failures.set(path, [status, message]),
    cut: () => {
      isCut = true
      for (const res of streams) res.destroy()
    },
    mend: () => {
      isCut = false
      failures.clear()
    },
    close: async () => {
      for (const res of streams) res.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return standIn
}
