import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, normalize } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { read, root } from "./sources.ts"

/** What an entry point of core gives: a namespace or a name, and the file it comes from. */
interface Given {
  readonly names: ReadonlyArray<string>
  readonly module: string
}

const givenBy = (entry: string): ReadonlyArray<Given> =>
  [
    ...read(`packages/core/src/${entry}.ts`).matchAll(
      /^export (?:type )?(?:\* as (\w+)|\{([^}]*)\}) from "\.\/(.+)\.ts"$/gm,
    ),
  ].map(([, namespace, names, module]) => ({
    names:
      namespace === undefined
        ? names!
            .split(",")
            .map((name) => name.replace("type ", "").trim())
            .filter((name) => name !== "")
        : [namespace],
    module: module!,
  }))

const entries = ["index", "store", "host"] as const

describe("@millrace/core", () => {
  it("gives users of the library these names", () => {
    expect(givenBy("index").flatMap(({ names }) => names)).toMatchInlineSnapshot(`
      [
        "Event",
        "InvalidOptions",
        "OptionProblem",
        "Signature",
        "Telemetry",
        "Dispatcher",
        "SinkKind",
        "Extension",
        "ExtensionHost",
        "HttpIngest",
        "Ingest",
        "Millrace",
        "DeadLetterReplay",
        "DeadLetterReplayRequest",
        "Maintenance",
        "Metering",
        "Operations",
        "Operator",
        "OperatorError",
        "Tail",
        "Attempts",
        "DeadLetters",
        "EventLog",
        "RequestOrigin",
        "Sink",
        "SinkBatch",
        "SinkReply",
        "Store",
        "conditionOf",
        "mayPass",
        "StoreError",
        "StoreReason",
        "Transport",
        "Catalog",
        "Destination",
        "Transform",
        "Fields",
        "Filter",
        "Format",
        "WebhookEvent",
        "Where",
      ]
    `)
  })

  it("gives authors of stores these names", () => {
    expect(givenBy("store").flatMap(({ names }) => names)).toMatchInlineSnapshot(`
      [
        "monotonicMillis",
        "monotonicMillisOf",
        "quietSleep",
        "timeUUIDs",
        "Attempts",
        "ConnectionUrl",
        "Counters",
        "CursorName",
        "Cursors",
        "DeadLetters",
        "Destinations",
        "Documents",
        "EntryIds",
        "EventLog",
        "Fork",
        "Generations",
        "Place",
        "GroupCommit",
        "HeadWatch",
        "Keys",
        "Members",
        "Position",
        "Store",
        "conditionOf",
        "mayPass",
        "StoreError",
        "StoreReason",
        "StoreHealth",
      ]
    `)
  })

  it("gives authors of adapters and servers these names", () => {
    expect(givenBy("host").flatMap(({ names }) => names)).toMatchInlineSnapshot(`
      [
        "hex",
        "expectedHttpUrl",
        "HttpUrl",
        "isHttpUrl",
        "IpAddress",
        "LogLevel",
        "LogLine",
        "LogWriter",
        "logLevels",
        "makeSparingly",
        "LogText",
        "isAtLeast",
        "writerOf",
        "MetricInfo",
        "PrometheusText",
        "didYouMean",
        "nearest",
        "once",
        "quietSleep",
        "RelayMark",
        "SchemaProblems",
        "json as safeJson",
        "printable",
        "Slice",
        "Slices",
        "ByteWriter",
        "Delivery",
        "Alert",
        "AlertConfig",
        "LaneState",
        "Ledger",
        "Batch",
        "Layout",
        "OverHttp",
        "webhook",
        "Entry",
        "BodyBudget",
        "Held",
        "BodyLimits",
        "BodyOptions",
        "BodyPace",
        "bodyLimits",
        "discardLimits",
        "makeClientAddress",
        "isOrigin",
        "ExtraRoutes",
        "keyIdOf",
        "hashOfKey",
        "newKey",
        "Ingest",
        "promiseHandler",
        "OwnPaths",
        "ownPathProblem",
        "paths",
        "Wire",
        "Action",
        "Actions",
        "mask",
        "maskConfig",
        "Migration",
        "OpenApi",
        "Readiness",
        "Rows",
        "Codec",
        "SecretReader",
        "StoreTrouble",
        "DestinationConnection",
        "Export",
        "Secret",
      ]
    `)
  })
})

/** An imported name that a declaration shows. */
interface Shown {
  readonly by: string
  readonly name: string
  readonly from: string
}

/**
 * The names that a file of declarations imports and shows; `import * as X` counts as `X`. Modules
 * are without their ending.
 */
const shownIn = (module: string, declarations: string): ReadonlyArray<Shown> =>
  [...declarations.matchAll(/^import (?:type )?(.+?) from "(\.[^"]+)\.ts";$/gm)].flatMap(([, what, path]) => {
    const from = normalize(join(dirname(module), path!))
    const names = what!.startsWith("*")
      ? [what!.replace("* as ", "")]
      : what!
          .replace(/[{}]/g, "")
          .split(",")
          .map((name) => name.replace("type ", "").split(" as ")[0]!.trim())
    return names.filter((name) => name !== "").map((name) => ({ by: module, name, from }))
  })

/** The names that a file of declarations takes from another and gives on. */
const passedOn = (declarations: string): ReadonlyArray<string> =>
  [...declarations.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names]) =>
    names!.split(",").map((name) => name.replace("type ", "").trim()),
  )

/** What public modules show and nobody can name: neither its module nor its name is public. */
const hidden = (modules: ReadonlyMap<string, string>, named: ReadonlySet<string>): ReadonlyArray<Shown> => {
  const known = new Set([...named, ...[...modules.values()].flatMap(passedOn)])
  return [...modules]
    .flatMap(([module, declarations]) => shownIn(module, declarations))
    .filter(({ from, name }) => !modules.has(from) && !known.has(name))
}

describe("nothing public shows a private type", () => {
  let directory = ""
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "millrace-declarations-"))
    execFileSync(
      join(root, "node_modules/.bin/tsc"),
      ["-p", "packages/core", "--outDir", directory, "--tsBuildInfoFile", join(directory, "buildinfo")],
      { cwd: root },
    )
  }, 180_000)
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it("of core, as the compiler writes its declarations", () => {
    const given = entries.flatMap(givenBy)
    const modules = new Map(
      given.map(({ module }) => [module, readFileSync(join(directory, `${module}.d.ts`), "utf8")]),
    )
    expect(modules.size).toBeGreaterThan(30)
    expect(hidden(modules, new Set(given.flatMap(({ names }) => names)))).toEqual([])
  })

  it("and one that does is found", () => {
    const modules = new Map([
      [
        "deliver/Lane",
        'import type { Sender } from "./send/Sender.ts";\nexport declare const make: (sender: Sender) => void;',
      ],
      ["ports/EventLog", 'import type { LogEntry } from "./LogEntry.ts";\nexport type { LogEntry };'],
    ])
    expect(hidden(modules, new Set())).toEqual([
      { by: "deliver/Lane", name: "Sender", from: "deliver/send/Sender" },
    ])
  })
})
