/** What is written about metrics names those that there are, and all of them. */
import { readFileSync } from "node:fs"
import { setImmediate } from "node:timers/promises"
import { Telemetry } from "@millrace/core"
import type { MetricInfo } from "@millrace/core/host"
import { Millrace } from "@millrace/node"
import * as Effect from "effect/Effect"
import { describe, expect, onTestFinished, test } from "vitest"
import * as Endpoints from "../../src/Endpoints.ts"
import type * as Metrics from "../../src/metrics/Metrics.ts"
import { serverMetrics } from "../../src/metrics/serverMetrics.ts"
import { receive } from "../support/receiver.ts"

const doc = (name: string): string => readFileSync(new URL(`../../../../${name}`, import.meta.url), "utf8")

const all: ReadonlyArray<MetricInfo.MetricInfo> = [
  ...Object.values(Telemetry.metrics),
  ...Object.values(serverMetrics),
]

const partsOf = ({ name, type }: MetricInfo.MetricInfo): ReadonlyArray<string> =>
  type === "histogram" ? ["_bucket", "_sum", "_count"].map((part) => name + part) : [name]

const byPart = new Map(all.flatMap((metric) => partsOf(metric).map((part) => [part, metric] as const)))

/** The text of a server that has delivered something, and has a worker. */
const shown = async (): Promise<string> => {
  const receiver = await receive()
  const millrace = await Millrace.make({
    keys: { server: ["secret-1"] },
    destinations: [{ id: "hook", url: receiver.url, batch: { maxDelay: 0 } }],
    allowPrivateDestinations: true,
  })
  onTestFinished(async () => void (await millrace.close()))
  const bytes = new TextEncoder().encode('[{"user":{"userID":"u"},"event":"a"},{"event":7}]')
  const reply = await millrace.handle({
    method: "POST",
    url: "/v1/webhooks/event_webhook",
    headers: { "statsig-api-key": "secret-1" },
    body: () => Effect.succeed({ bytes, inflated: false }),
  })
  expect(reply.status).toBe(202)
  await receiver.until(() => receiver.events.length === 1)
  const process = { memory: 1, cpuSeconds: 1, startedAt: 1, loopDelay: { p99: 0, max: 0 } }
  const workers: Metrics.Workers = {
    past: [],
    reports: new Map([[1, { families: [], process, connections: 1 }]]),
    restarts: 0,
  }
  const page = Endpoints.makePage(millrace, "1.2.3")
  for (;;) {
    const text = await page(() => Promise.resolve(workers))
    // The attempt is on record once it is known what comes of it.
    if (text.includes('answer="2xx"')) return text
    await setImmediate()
  }
}

test("the page has every metric, of its type and with its labels, and no other", async () => {
  const text = await shown()
  const found = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
  expect(found.sort()).toEqual(all.map(({ name, type }) => `${name} ${type}`).sort())
  for (const [, name, labels = ""] of text.matchAll(/^([a-z_0-9]+)(?:\{(.*)\})? \S+$/gm)) {
    const metric = byPart.get(name!)
    const used = [...labels.matchAll(/([a-z]+)="/g)].map(([, label]) => label!)
    const known = [...(metric?.labels ?? []), ...(name!.endsWith("_bucket") ? ["le"] : [])]
    expect(
      used.filter((label) => !known.includes(label)),
      name,
    ).toEqual([])
  }
})

test("docs/metrics.md has every metric as it describes itself", () => {
  const text = doc("docs/metrics.md")
  const table = text.slice(text.indexOf("\n## Every metric\n"), text.indexOf("\n## Traces\n"))
  const rows = [...table.matchAll(/^\| `.*$/gm)].map(([row]) => row)
  expect(rows).toEqual(
    all.map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`,
    ),
  )
})

/** Labels that Prometheus gives to whatever it scrapes. */
const fromPrometheus = ["instance", "job", "le"]

/** What is wrong with the names in an expression. */
const problemsOf = (expr: string): ReadonlyArray<string> => {
  const names = expr.match(/\b(?:millrace|process)_[a-z_0-9]+\b/g) ?? []
  const unknown = names.filter((name) => !byPart.has(name))
  const labels = [
    ...[...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, inside]) => inside!.match(/[a-z_]+(?==|!)/g) ?? []),
    ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, inside]) => inside!.split(", ")),
  ]
  const allowed = [...fromPrometheus, ...names.flatMap((name) => byPart.get(name)?.labels ?? [])]
  return [...unknown, ...labels.filter((label) => !allowed.includes(label))]
}

describe("an expression", () => {
  test.each([
    ["millrace_nothing_total > 0", ["millrace_nothing_total"]],
    ["rate(millrace_intake_request_duration_seconds[5m])", ["millrace_intake_request_duration_seconds"]],
    ['sum by (user) (millrace_ready{host="a"})', ["host", "user"]],
    ['max by (destination) (millrace_dead_letters{destination!="intake"})', []],
  ])("%s is told by what it names", (expr, expected) => {
    expect(problemsOf(expr)).toEqual(expected)
  })
})

test("docs/alerts.yml names metrics and labels that there are, and each rule says what is wrong", () => {
  const rules = doc("docs/alerts.yml")
    .split(/^ {6}- alert: /m)
    .slice(1)
  expect(rules.length).toBeGreaterThan(10)
  for (const rule of rules) {
    const name = /^\S+/.exec(rule)![0]
    const expr = /^ {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/m.exec(rule)!
    const text = (expr[1] ?? expr[2]!).replace(/\s+/g, " ")
    expect(text, name).toMatch(/millrace_/)
    expect(problemsOf(text), name).toEqual([])
    expect(rule, name).toMatch(/^ {10}severity: (?:critical|warning|info)$/m)
    expect(rule, name).toMatch(/^ {10}summary: "\S.*"$/m)
    expect(rule, name).toMatch(/^ {10}description: "\S.*"$/m)
  }
})

interface Panel {
  readonly title: string
  readonly description?: string
  readonly type: string
  readonly targets?: ReadonlyArray<{ readonly expr: string }>
}

test("docs/grafana.json names metrics and labels that there are, and each panel says what it shows", () => {
  const { panels, templating } = JSON.parse(doc("docs/grafana.json")) as {
    readonly panels: ReadonlyArray<Panel>
    readonly templating: { readonly list: ReadonlyArray<{ readonly definition?: string }> }
  }
  for (const { title, type, description, targets = [] } of panels) {
    if (type === "row") continue
    expect(targets.length, title).toBeGreaterThan(0)
    expect(description, title).toMatch(/\.$/)
    for (const { expr } of targets) expect(problemsOf(expr), title).toEqual([])
  }
  for (const { definition = "" } of templating.list) expect(problemsOf(definition)).toEqual([])
})
