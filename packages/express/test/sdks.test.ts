import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import * as zlib from "node:zlib"
import { http as cloudFunction } from "@google-cloud/functions-framework"
import { getTestServer } from "@google-cloud/functions-framework/testing"
import { expressHandler } from "@millrace/express"
import { type HostOptions, hostContract, listening } from "@millrace/test-sdks"
import compression from "compression"
import express, { type Express } from "express"
// @ts-expect-error No package has types for an alias.
import express4 from "express4"
import multer from "multer"

/** What apps raise their parsers' limit to, of 100 kB. */
const limit = "10mb"

const everything = () => true

/** As clouds' runtimes and frameworks keep the bytes beside what they have parsed. */
const verify = (req: object, _res: unknown, rawBody: Buffer): void => void Object.assign(req, { rawBody })

type Next = () => void

/**
 * As loggers and profilers do: it listens to the request and takes the place of the response's
 * methods.
 */
const nosy = (req: IncomingMessage, res: ServerResponse, next: Next): void => {
  let bytes = 0
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.length
  })
  const { write, end, writeHead } = res
  res.writeHead = ((...args: Parameters<typeof writeHead>) => writeHead.apply(res, args)) as typeof writeHead
  res.write = ((...args: Parameters<typeof write>) => write.apply(res, args)) as typeof write
  res.end = ((...args: Parameters<typeof end>) => {
    res.setHeader("x-bytes", bytes)
    return end.apply(res, args)
  }) as typeof end
  next()
}

/** As sessions and sign-on do: the next one is called when something else has answered. */
const slow = (_req: unknown, _res: unknown, next: Next): void => void setTimeout(next, 5)

const paused = (req: IncomingMessage, res: unknown, next: Next): void => {
  req.pause()
  slow(req, res, next)
}

const refusesZstd: HostOptions = {
  refuses: {
    "@statsig/statsig-node-core": "a parser in front of Millrace answers zstd with a 415 of its own",
  },
}

/** Express 5's parsers read zstd where Node does. */
const parsersRefuseZstd: HostOptions = "createZstdDecompress" in zlib ? {} : refusesZstd

const versions = [
  ["Express 5", express, parsersRefuseZstd],
  ["Express 4", express4 as typeof express, refusesZstd],
] as const

for (const [version, make, parsers] of versions) {
  const host = (
    name: string,
    before: (app: Express) => unknown,
    options?: HostOptions,
    after: (app: Express) => unknown = () => {},
  ) =>
    hostContract(
      `${version} ${name}`,
      (millrace) => {
        const app = make()
        before(app)
        app.use(expressHandler(millrace))
        after(app)
        return listening(createServer(app as unknown as RequestListener))
      },
      options,
    )

  host(
    "with Millrace before its parsers",
    (app) => app.use(compression({ threshold: 0 })),
    {},
    (app) => app.use(make.json(), make.urlencoded({ extended: true })),
  )

  host("behind what listens, wraps and waits", (app) => app.use(nosy, multer().any(), paused))

  host(
    "behind all of its parsers",
    (app) =>
      app.use(
        make.json({ limit }),
        make.urlencoded({ extended: false }),
        make.text({ limit }),
        make.raw({ limit }),
      ),
    parsers,
  )
}

hostContract("Express 5 with Millrace under a path of a router", async (millrace) => {
  const router = express.Router().use("/events", slow, expressHandler(millrace))
  const host = await listening(createServer(express().use("/api", router)))
  return { ...host, url: `${host.url}/api/events` }
})

hostContract(
  "Express 5 behind a parser that makes bytes of everything",
  (millrace) =>
    listening(
      createServer(express().use(express.raw({ type: everything, limit }), expressHandler(millrace))),
    ),
  parsersRefuseZstd,
)

hostContract(
  "Express 5 behind a parser that makes text of everything",
  (millrace) =>
    listening(
      createServer(express().use(express.text({ type: everything, limit }), expressHandler(millrace))),
    ),
  {
    refuses: {
      ...parsersRefuseZstd.refuses,
      "@statsig/js-client with gzip": "its bytes are no text, and the parser has made one of them",
    },
  },
)

hostContract(
  "Express 5 with rawBody beside what it has parsed",
  (millrace) =>
    listening(
      createServer(
        express().use(
          express.json({ limit, verify }),
          express.urlencoded({ extended: true, limit, verify }),
          express.text({ limit, verify }),
          expressHandler(millrace),
        ),
      ),
    ),
  parsersRefuseZstd,
)

let functions = 0

hostContract(
  "Google Cloud's functions-framework",
  (millrace) => {
    const name = `millrace-${++functions}`
    const handler = expressHandler(millrace)
    cloudFunction(name, (req, res) => handler(req, res, () => void res.sendStatus(404)))
    return listening(getTestServer(name))
  },
  refusesZstd,
)
