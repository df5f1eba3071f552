import { Destination, Event } from "@millrace/core"
import { Alert } from "@millrace/core/host"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { isWebhookEvent } from "../../packages/core/src/select/WebhookEvent.ts"
import * as ConfigFile from "../../packages/server/src/config/ConfigFile.ts"
import * as Settings from "../../packages/server/src/config/settings.ts"
import { problemOf } from "./commandLines.ts"
import { blocksOf, type CodeBlock, documents } from "./markdown.ts"
import { examples, filesIn, packages, read } from "./sources.ts"

const blocks = documents.flatMap(blocksOf)

const ofKind = (...kinds: ReadonlyArray<string>): ReadonlyArray<CodeBlock> =>
  blocks.filter(({ kind }) => kinds.includes(kind))

/** What runs in CI: the examples, and the bindings of contract suites. */
const runs = [
  ...examples.flatMap(({ path }) => filesIn(path, ".ts", ".py", ".go")),
  ...packages.flatMap(({ path }) => filesIn(`${path}/test`, ".contract.test.ts")),
].map((file) => ({ file, text: read(file) }))

describe("programs", () => {
  it.each(ofKind("ts", "python", "go"))("in $document:$line are lines of code that runs", ({ code }) => {
    const source = runs.find(({ text }) => text.startsWith(code) || text.includes(`\n${code}`))
    expect(source === undefined ? `these lines run nowhere:\n${code}` : "found").toBe("found")
  })

  it.each([
    ["README.md", "examples/express/main.ts"],
    ["docs/mount.md", "examples/express/main.ts"],
    ["docs/mount.md", "examples/fastify/main.ts"],
    ["docs/mount.md", "examples/node-http/main.ts"],
    ["docs/stores.md", "examples/swap-storage/main.ts"],
    ["README.md", "examples/test-a-pipeline/pipeline.test.ts"],
    ...filesIn("examples/console", ".ts").map((file): [string, string] => ["docs/console.md", file]),
  ] as ReadonlyArray<[string, string]>)("%s shows %s whole", (document, file) => {
    expect(blocksOf(document).map(({ code }) => code)).toContain(read(file))
  })
})

const hashKey = new Uint8Array(32)

const asConfig = (text: string): unknown =>
  ConfigFile.parse("config", text, { names: Settings.names, environment: {}, hasHashKey: true })

/** A part of a destination, as it stands in the config file. */
const asDestination = (text: string): unknown =>
  Destination.decode({ id: "any", url: "https://example.com/", ...JSON.parse(text) }, hashKey)

const decodeAlert = Schema.decodeUnknownResult(Alert, { onExcessProperty: "error" })

const decodeEvent = Schema.decodeUnknownResult(Event.StrictEvent)

/** What each kind of JSON has to be; `null` when it is that. */
const kindsOfJson: Readonly<Record<string, (text: string) => unknown>> = {
  json: (text) => {
    const isPart = Object.keys(JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""))).every(
      (key) => key in Destination.DestinationConfig.fields,
    )
    return isPart ? asDestination(text) : asConfig(text)
  },
  "json body": (text) =>
    (JSON.parse(text).events as ReadonlyArray<unknown>)
      .map((event) => decodeEvent(event))
      .find(Result.isFailure) ?? null,
  "json batch": (text) => (JSON.parse(text).every(isWebhookEvent) ? null : "not what is sent"),
  "json alert": (text) => decodeAlert(JSON.parse(text)),
  "json line": (text) => (typeof JSON.parse(text).message === "string" ? null : "no line of the log"),
  "json reply": (text) => (typeof JSON.parse(text) === "object" ? null : "no object"),
}

describe("JSON", () => {
  it.each(blocks.filter(({ kind }) => kind.startsWith("json")))(
    "in $document:$line is what it shows",
    ({ kind, code }) => {
      const found = kindsOfJson[kind]!(code)
      expect(Result.isResult(found) && Result.isSuccess(found) ? null : found).toBeNull()
    },
  )
})

/** Files that people copy, by the kind of block that shows them whole. */
const deployed = {
  dockerfile: "docs/deploy/Dockerfile",
  ini: "docs/deploy/millrace.service",
  nginx: "docs/deploy/nginx.conf",
  caddy: "docs/deploy/Caddyfile",
}

describe("files that people copy", () => {
  it.each(Object.entries(deployed))("in %s blocks are %s", (kind, file) => {
    expect(ofKind(kind).map(({ code }) => code)).toEqual([read(file)])
  })

  it("start what is there", () => {
    const [, list] = /^CMD (\[.*\])$/m.exec(read(deployed.dockerfile))!
    const [, line] = /^ExecStart=\/usr\/bin\/node \S*\/millrace (.*)$/m.exec(read(deployed.ini))!
    const [, ...args] = JSON.parse(list!) as ReadonlyArray<string>
    expect([problemOf(args), problemOf(line!.split(" "))]).toEqual([null, null])
  })
})

it("every block says of which kind it is", () => {
  const known = ["ts", "python", "go", "sh", ...Object.keys(deployed), ...Object.keys(kindsOfJson)]
  const strange = blocks.filter(({ kind }) => !known.includes(kind))
  // Pictures, which are no code.
  const drawn = ["docs/ARCHITECTURE.md", "docs/wire.md"]
  expect(strange.filter(({ document }) => !drawn.includes(document))).toEqual([])
})
