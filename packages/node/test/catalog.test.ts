/** Over 400 lines because files and URLs share their cases. */
import { channel } from "node:diagnostics_channel"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setImmediate as turn } from "node:timers/promises"
import { gzipSync } from "node:zlib"
import { Catalog as Core, InvalidOptions } from "@millrace/core"
import { Catalog } from "@millrace/node"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it, onTestFinished } from "vitest"

/** A document that knows one dynamic config of this name. */
const specs = (name: string): string =>
  JSON.stringify({ dynamic_configs: [{ name, entity: "dynamic_config", rules: [] }] })

/** Where the servers of these tests are. */
const here = { allow: ["127.0.0.1"] }

interface Loaded {
  readonly knows: (config: string) => boolean
  readonly lines: ReadonlyArray<string>
}

/** Runs with the layer built; a `Logger` keeps its lines as text. */
const withCatalog = <A>(
  catalog: Layer.Layer<never>,
  body: (loaded: Loaded) => Effect.Effect<A>,
  clock: Layer.Layer<never> = Layer.empty,
): Promise<A> => {
  const lines: Array<string> = []
  const logger = Logger.layer([
    Logger.map(Logger.formatStructured, ({ level, message, annotations }) => {
      lines.push(`${level} ${String(message)} ${JSON.stringify(annotations)}`)
    }),
  ])
  return Effect.runPromise(
    Effect.gen(function* () {
      const current = yield* Core.CurrentCatalog
      return yield* body({ knows: (config) => current().isDynamicConfig(config) === true, lines })
    }).pipe(Effect.provide(catalog.pipe(Layer.provideMerge(Layer.merge(logger, clock)))), Effect.scoped),
  )
}

/** Lets the real world go on until the condition holds. */
const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    while (!condition()) await turn()
  })

/** Requests that undici has begun and not ended. */
const underWay = new Set<unknown>()
const requestOf = (message: unknown) => (message as { readonly request: unknown }).request
channel("undici:request:create").subscribe((message) => {
  underWay.add(requestOf(message))
})
for (const end of ["undici:request:trailers", "undici:request:error"]) {
  channel(end).subscribe((message) => {
    underWay.delete(requestOf(message))
  })
}

/**
 * The same, with virtual time going on beside it; returns how much of it has passed, ms.
 *
 * @param step shorter than a request may take: one that begins within it must not time out before
 * it ends
 * @param answered whether requests get an answer: then time stands still while one is under way
 */
const advanceUntil = Effect.fnUntraced(function* (
  step: Duration.Input,
  condition: () => boolean,
  answered = true,
) {
  let passed = 0
  for (;;) {
    // What the time has set off may take the network and the disk a while.
    for (let quiet = 0; quiet < 50 && !condition(); quiet = answered && underWay.size > 0 ? 0 : quiet + 1) {
      yield* Effect.promise(() => turn())
    }
    if (condition()) return passed
    yield* TestClock.adjust(step)
    passed += Duration.toMillis(step)
  }
})

const virtual = TestClock.layer() as Layer.Layer<never>

const tempDir = (): string => {
  const path = mkdtempSync(join(tmpdir(), "millrace-"))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const tempFile = (content?: string): string => {
  const path = join(tempDir(), "specs.json")
  if (content !== undefined) writeFileSync(path, content)
  return path
}

describe("a file", () => {
  it("is read at the start, with a byte order mark or without", async () => {
    for (const mark of ["", "\uFEFF"]) {
      const path = tempFile(mark + specs("a"))
      const knows = await withCatalog(Catalog.file(path), ({ knows, lines }) =>
        Effect.succeed([knows("a"), knows("b"), lines]),
      )
      expect(knows).toEqual([true, false, []])
    }
  })

  it("is read again when it is written, replaced, or what a link stands for is exchanged", async () => {
    const directory = tempDir()
    const path = join(directory, "specs.json")
    // As Kubernetes mounts a config map.
    for (const name of ["one", "two"]) mkdirSync(join(directory, name))
    writeFileSync(join(directory, "one", "specs.json"), specs("a"))
    writeFileSync(join(directory, "two", "specs.json"), specs("d"))
    symlinkSync("one", join(directory, "data"))
    symlinkSync(join("data", "specs.json"), path)
    await withCatalog(Catalog.file(path), ({ knows, lines }) =>
      Effect.gen(function* () {
        expect(knows("a")).toBe(true)
        writeFileSync(path, specs("b"))
        yield* until(() => knows("b"))
        expect(knows("a")).toBe(false)

        writeFileSync(join(directory, "new"), specs("c"))
        renameSync(join(directory, "new"), join(directory, "one", "specs.json"))
        yield* until(() => knows("c"))

        symlinkSync("two", join(directory, "new"))
        renameSync(join(directory, "new"), join(directory, "data"))
        rmSync(join(directory, "one"), { recursive: true })
        yield* until(() => knows("d"))
        expect(lines).toEqual([])
      }),
    )
  })

  it("that breaks keeps the last good one, warns once, and says when it is whole again", async () => {
    const path = tempFile(specs("a"))
    await withCatalog(
      Catalog.file(path),
      ({ knows, lines }) =>
        Effect.gen(function* () {
          writeFileSync(path, "{")
          yield* advanceUntil("20 seconds", () => lines.length > 0)
          yield* TestClock.adjust("10 minutes")
          expect(knows("a")).toBe(true)
          writeFileSync(path, specs("b"))
          yield* advanceUntil("20 seconds", () => knows("b"))
          expect(lines).toEqual([
            `WARN the catalog could not be read: the one before stays in use ${JSON.stringify({ catalog: path, reason: "is not JSON" })}`,
            `INFO the catalog can be read again ${JSON.stringify({ catalog: path })}`,
          ])
        }),
      virtual,
    )
  })

  it("that is not there yet is found within a minute", async () => {
    const path = tempFile()
    await withCatalog(
      Catalog.file(path),
      ({ knows, lines }) =>
        Effect.gen(function* () {
          expect(lines).toEqual([expect.stringContaining("there is no such file")])
          writeFileSync(path, specs("a"))
          expect(yield* advanceUntil("10 seconds", () => knows("a"))).toBeGreaterThanOrEqual(60_000)
        }),
      virtual,
    )
  })

  it.each([
    ["a directory", (path: string) => mkdirSync(path), "is not a file"],
    [
      "another document",
      (path: string) => writeFileSync(path, "[]"),
      "is not a config-specs document: expected an object",
    ],
    [
      "a huge file",
      (path: string) => {
        writeFileSync(path, "")
        truncateSync(path, 32 * 1024 * 1024 + 1)
      },
      "is longer than 32 MiB",
    ],
  ])("that is %s leaves the catalog empty, with a warning", async (_name, make, reason) => {
    const path = tempFile()
    make(path)
    const lines = await withCatalog(Catalog.file(path), ({ lines }) => Effect.succeed(lines))
    expect(lines).toEqual([
      expect.stringContaining(`there is none yet {"catalog":"${path}","reason":"${reason}`),
    ])
  })
})

interface Asked {
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** Answers as it is told for each request. */
const answer = async (script: (response: ServerResponse, request: Asked, index: number) => void) => {
  const requests: Array<Asked> = []
  const server = createServer(({ url = "", headers }, response) => {
    const asked = { url, headers }
    requests.push(asked)
    script(response, asked, requests.length - 1)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { requests, host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}/specs/secret-k.json` }
}

describe("a URL", () => {
  it("is asked at the start with its headers and credentials, and every 10 minutes for what has changed since", async () => {
    let version = 1
    const { url, requests } = await answer((response, { headers }) => {
      const etag = `"v${version}"`
      if (headers["if-none-match"] === etag) response.writeHead(304, { etag }).end()
      else response.writeHead(200, { etag }).end(specs(`v${version}`))
    })
    await withCatalog(
      Catalog.url(url.replace("//", "//me:p%40ss@"), { headers: { "X-Team": "t" }, ...here }),
      ({ knows, lines }) =>
        Effect.gen(function* () {
          expect(knows("v1")).toBe(true)
          expect(requests).toMatchObject([
            {
              url: "/specs/secret-k.json",
              headers: { "x-team": "t", authorization: `Basic ${Buffer.from("me:p@ss").toString("base64")}` },
            },
          ])
          expect(requests[0]!.headers).not.toHaveProperty("if-none-match")

          const passed = yield* advanceUntil("20 seconds", () => requests.length === 2)
          expect(passed).toBeGreaterThanOrEqual(600_000)
          expect(requests[1]!.headers).toMatchObject({ "if-none-match": '"v1"' })
          expect(knows("v1")).toBe(true)

          version = 2
          yield* advanceUntil("20 seconds", () => knows("v2"))
          yield* advanceUntil("20 seconds", () => requests.at(-1)!.headers["if-none-match"] === '"v2"')
          expect(lines).toEqual([])
        }),
      virtual,
    )
  })

  it("may answer with gzip, and is asked as often as told", async () => {
    const { url, requests } = await answer((response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(specs("a"))),
    )
    await withCatalog(
      Catalog.url(url, { refresh: "2 seconds", ...here }),
      ({ knows }) =>
        Effect.gen(function* () {
          expect(knows("a")).toBe(true)
          yield* advanceUntil("1 second", () => requests.length === 4)
          // It gave no ETag.
          expect(requests[3]!.headers).not.toHaveProperty("if-none-match")
        }),
      virtual,
    )
  })

  it("that fails keeps the last good one, warns once, and is asked less and less often until it is back", async () => {
    let works = true
    const { url, host, requests } = await answer((response) =>
      works ? response.end(specs("a")) : response.writeHead(500).end("x".repeat(1_000_000)),
    )
    await withCatalog(
      Catalog.url(url, here),
      ({ knows, lines }) =>
        Effect.gen(function* () {
          works = false
          yield* advanceUntil("20 seconds", () => requests.length === 2)
          const waits: Array<number> = []
          for (let asked = 3; asked < 10; asked++) {
            waits.push(yield* advanceUntil("500 millis", () => requests.length === asked))
          }
          // 2.5 to 5 s, 5 to 10 s, ...: at least half of what may be waited at most.
          waits.forEach((wait, index) => {
            expect(wait).toBeGreaterThanOrEqual(2_500 * 2 ** index - 500)
          })
          expect(knows("a")).toBe(true)
          works = true
          yield* advanceUntil("20 seconds", () => lines.length === 2)
          expect(lines).toEqual([
            `WARN the catalog could not be read: the one before stays in use ${JSON.stringify({ catalog: host, reason: "was answered with status 500" })}`,
            `INFO the catalog can be read again ${JSON.stringify({ catalog: host })}`,
          ])
        }),
      virtual,
    )
  })

  it.each<readonly [string, (response: ServerResponse) => void, string]>([
    [
      "redirects",
      (response) => response.writeHead(302, { location: "/" }).end(),
      "was answered with status 302",
    ],
    [
      "has nothing new for who has nothing",
      (response) => response.writeHead(304).end(),
      "was answered with status 304",
    ],
    ["answers with a page", (response) => response.end("<html>"), "is not JSON"],
    [
      "answers with too much",
      (response) => response.end(Buffer.alloc(33 * 1024 * 1024)),
      "is longer than 32 MiB",
    ],
    [
      "answers with a bomb",
      (response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(33 * 1024 * 1024))),
      "is longer than 32 MiB",
    ],
    [
      "lies about gzip",
      (response) => response.writeHead(200, { "content-encoding": "gzip" }).end("{}"),
      "cannot be decompressed",
    ],
    [
      "compresses otherwise",
      (response) => response.writeHead(200, { "content-encoding": "br" }).end("{}"),
      "came in a content encoding that was not asked for",
    ],
    [
      "hangs up",
      (response) => response.destroy(),
      "connection closed before the reply was complete (UND_ERR_SOCKET)",
    ],
    [
      "breaks off",
      (response) => {
        response.writeHead(200, { "content-length": "100" }).write("{}")
        response.destroy()
      },
      "connection closed before the reply was complete (UND_ERR_SOCKET)",
    ],
  ])(
    "that %s leaves the catalog empty, with a warning that gives no key away",
    async (_name, script, reason) => {
      const { url, host } = await answer((response) => script(response))
      const seen = await withCatalog(Catalog.url(url, here), ({ lines }) => Effect.succeed(lines))
      expect(seen).toEqual([
        `WARN the catalog could not be read: there is none yet ${JSON.stringify({ catalog: host, reason })}`,
      ])
    },
  )

  it("that keeps silent holds up a start for 5 seconds, and a request for 30", async () => {
    const { url, requests } = await answer(() => {})
    await Effect.runPromise(
      Effect.gen(function* () {
        const starting = yield* Effect.forkChild(
          Effect.promise(() => Promise.resolve()).pipe(
            Effect.andThen(Layer.build(Catalog.url(url, here))),
            Effect.andThen(Effect.never),
            Effect.scoped,
          ),
        )
        yield* until(() => requests.length === 1)
        const passed = yield* advanceUntil("1 second", () => requests.length === 2, false)
        expect(passed).toBeGreaterThanOrEqual(32_000)
        yield* Fiber.interrupt(starting)
      }).pipe(Effect.provide(Layer.merge(TestClock.layer(), Logger.layer([])))),
    )
  })

  it("may say that there is nothing newer in a document of its own", async () => {
    const { url, requests } = await answer((response, _request, index) =>
      response.end(index === 0 ? specs("a") : '{"has_updates":false}'),
    )
    await withCatalog(
      Catalog.url(url, here),
      ({ knows, lines }) =>
        Effect.gen(function* () {
          yield* advanceUntil("20 seconds", () => requests.length === 3)
          expect(knows("a")).toBe(true)
          expect(lines).toEqual([])
        }),
      virtual,
    )
  })

  it("on a private address is refused, unless it is allowed, and never asked", async () => {
    const { url, host, requests } = await answer((response) => response.end(specs("a")))
    const { port } = new URL(url)
    for (const [asked, name] of [
      [url, "127.0.0.1"],
      [url.replace("127.0.0.1", "localhost"), "localhost"],
    ] as const) {
      const seen = await withCatalog(Catalog.url(asked), ({ lines }) => Effect.succeed(lines))
      expect(seen).toEqual([
        `WARN the catalog could not be read: there is none yet ${JSON.stringify({
          catalog: `${name}:${port}`,
          reason: `${name} is not on the public Internet, and private destinations are not allowed`,
        })}`,
      ])
    }
    expect(requests).toHaveLength(0)
    await withCatalog(Catalog.url(url, { allowPrivate: true }), ({ knows }) =>
      Effect.sync(() => expect([host, knows("a")]).toEqual([`127.0.0.1:${port}`, true])),
    )
  })

  it("that is none, or a duration that is none, is a mistake at once", () => {
    const problems = (make: () => unknown) => {
      try {
        make()
      } catch (error) {
        if (error instanceof InvalidOptions) return error.problems.map(({ path }) => path)
      }
      throw new Error("expected InvalidOptions")
    }
    expect(problems(() => Catalog.url("specs.json", { refresh: 0 }))).toEqual(["url", "refresh"])
    expect(problems(() => Catalog.url("https://a.example", { allow: ["10/8"] }))).toEqual(["allow[0]"])
    expect(problems(() => Catalog.url("file:///specs.json"))).toEqual(["url"])
    expect(problems(() => Catalog.url("https://a.example", { refresh: "Infinity" }))).toEqual(["refresh"])
  })

  it("is no longer asked, and not waited for, once the scope is closed", async () => {
    const { url, requests } = await answer((response, _request, index) => {
      if (index === 0) response.end(specs("a"))
    })
    await Effect.runPromise(
      Effect.gen(function* () {
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* Layer.build(Catalog.url(url, here))
            // The second one is never answered: closing cuts it off.
            yield* advanceUntil("20 seconds", () => requests.length === 2, false)
          }),
        )
        yield* TestClock.adjust("1 day")
        for (let turns = 0; turns < 50; turns++) yield* Effect.promise(() => turn())
        expect(requests).toHaveLength(2)
      }).pipe(Effect.provide(TestClock.layer())),
    )
  })
})
