import { createServer } from "node:http"
import { join } from "node:path"
import { createGunzip } from "node:zlib"
import { driver } from "../driver.ts"
import { type Contestant, isOurs, listen, portOf } from "./Contestant.ts"

/**
 * The body as code without Millrace takes it: by the framework's own parser and a check, with one
 * row a request before the answer.
 */
interface LogEventBody {
  readonly events: ReadonlyArray<unknown>
}

const bodyLimit = 10 * 1024 * 1024

/**
 * Keeps databases from being collected: the driver closes one that nothing refers to, although its
 * statements are still in use.
 */
const open: Array<unknown> = []

const inserter = (directory: string): ((body: LogEventBody) => void) => {
  const database = new driver.DatabaseSync(join(directory, "requests.db"))
  open.push(database)
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE requests (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      received_at INTEGER NOT NULL,
      events INTEGER NOT NULL,
      body TEXT NOT NULL
    )`)
  const insert = database.prepare("INSERT INTO requests (received_at, events, body) VALUES (?, ?, ?)")
  return (body) => void insert.run(Date.now(), body.events.length, JSON.stringify(body))
}

const eventSchema = {
  type: "object",
  required: ["eventName", "user", "time"],
  properties: {
    eventName: { type: "string", minLength: 1 },
    user: {
      type: "object",
      properties: {
        userID: { type: "string" },
        email: { type: "string" },
        ip: { type: "string" },
        userAgent: { type: "string" },
        country: { type: "string" },
        locale: { type: "string" },
        appVersion: { type: "string" },
        custom: { type: "object" },
        privateAttributes: { type: "object" },
        customIDs: { type: "object" },
      },
    },
    time: { type: "number" },
    value: { type: ["string", "number", "null"] },
    metadata: { type: ["object", "null"] },
    secondaryExposures: { type: "array", items: { type: "object" } },
  },
}

const bodySchema = {
  type: "object",
  required: ["events"],
  properties: {
    events: { type: "array", items: eventSchema },
    statsigMetadata: {
      type: "object",
      properties: { sdkType: { type: "string" }, sdkVersion: { type: "string" } },
    },
  },
}

export const fastifyByHand: Contestant = {
  description: "hand-written Fastify: its JSON schema, one SQLite INSERT a request, WAL, synchronous=FULL",
  durability: "disk",
  start: async (directory) => {
    const insert = inserter(directory)
    const { default: Fastify } = await import("fastify")
    const app = Fastify({ bodyLimit, ajv: { customOptions: { allowUnionTypes: true } } })
    app.addHook("preParsing", (request, _reply, payload, done) => {
      if (request.headers["content-encoding"] !== "gzip") return done(null, payload)
      const inflated = payload.pipe(createGunzip())
      // Fastify compares what it has read with the content-length.
      Object.defineProperty(inflated, "receivedEncodedLength", {
        value: Number(request.headers["content-length"]),
      })
      done(null, inflated)
    })
    app.post<{ readonly Body: LogEventBody }>(
      "/v1/log_event",
      { schema: { body: bodySchema } },
      (request, reply) => {
        if (!isOurs(request.headers["statsig-api-key"])) return reply.code(401).send({ success: false })
        insert(request.body)
        return reply.code(202).send({ success: true })
      },
    )
    await app.listen({ port: 0, host: "127.0.0.1" })
    return { port: portOf(app.server) }
  },
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isEvent = (event: unknown): boolean =>
  isObject(event) &&
  typeof event["eventName"] === "string" &&
  event["eventName"] !== "" &&
  typeof event["time"] === "number" &&
  isObject(event["user"]) &&
  (event["metadata"] === undefined || event["metadata"] === null || isObject(event["metadata"]))

const isLogEventBody = (body: unknown): body is LogEventBody =>
  isObject(body) && Array.isArray(body["events"]) && body["events"].every(isEvent)

export const expressByHand: Contestant = {
  description:
    "hand-written Express: express.json, a check by hand, one SQLite INSERT a request, WAL, synchronous=FULL",
  durability: "disk",
  start: async (directory) => {
    const insert = inserter(directory)
    const { default: express } = await import("express")
    const app = express()
    app.use(express.json({ limit: bodyLimit }))
    app.post("/v1/log_event", (req, res) => {
      const body: unknown = req.body
      if (!isOurs(req.headers["statsig-api-key"])) res.status(401).json({ success: false })
      else if (!isLogEventBody(body)) res.status(400).json({ success: false })
      else {
        insert(body)
        res.status(202).json({ success: true })
      }
    })
    return listen(createServer(app))
  },
}
