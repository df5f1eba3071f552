import { randomBytes } from "node:crypto"
import { parseArgs } from "node:util"
import { Catalog, Destination, EventLog, Ingest, Signature } from "@millrace/core"
import { Batch, Codec, Entry, Export, Layout, Wire } from "@millrace/core/host"
import { Codec as NodeCodec } from "@millrace/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import { describe, environment } from "./environment.ts"
import { number } from "./options.ts"
import { cpuTime } from "./processes.ts"
import { progress, progressEnd, publish, quantile, summary, table } from "./report.ts"
import { body } from "./requests.ts"
import { turns } from "./turns.ts"

/**
 * Measures the CPU time per event of each step from the bytes of a request to a signed body, in
 * this process, in turns. Work that a stage leaves for later is charged to the stage that asks for
 * it, as when a field is first read.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "100" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
  },
})

const events = number("events", values.events)
const rounds = number("rounds", values.rounds ?? (values.quick ? "40" : "200"))
/** Rounds before what counts: until everything is compiled. */
const warmUp = 40
/** Requests each stage works on in a turn: about 5 ms of work. */
const perTurn = Math.ceil(2000 / events)

const bytes = body(events)
const head: Wire.WireHead = {
  dialect: "log_event",
  validation: "auto",
  receivedAt: Date.now(),
  clientTimeHeader: String(Date.now()),
  clientTimeQuery: null,
  sdkType: "statsig-node",
  sdkVersion: "6.5.2",
  sessionID: null,
  keyId: "b1946ac92492d234",
}
const limits = Ingest.defaultLimits

const ports = await ManagedRuntime.make(
  Layer.mergeAll(NodeCodec.layer, EventLog.layerMemory({ maxBytes: Number.MAX_SAFE_INTEGER })),
).context()
const codec = Context.get(ports, Codec.Codec)
const log = Context.get(ports, EventLog.EventLog)

const must = <A, E>(result: Result.Result<A, E>): A => Result.getOrThrow(result)

const newId = (): string => randomBytes(16).toString("hex")
const decoded = (): EventLog.NewEntry => must(Wire.decode(head, bytes, newId(), limits)).entry!

const selection = must(
  Destination.decodeSelection({
    filter: { include: ["page_*"], where: { field: "user.country", eq: "NZ" } },
  }),
)
const { filter, exportRule } = Destination.compile(selection, null, () => Catalog.empty)
const passes = (entry: Entry.DecodedEntry): number =>
  entry.events.reduce(
    (sum, event, index) =>
      filter.name(event.eventName) && (filter.event === null || filter.event(event, index, entry))
        ? sum + 1
        : sum,
    0,
  )

const batchOf = (entry: Entry.DecodedEntry): Uint8Array => {
  const builder = Batch.make({ maxEvents: events, maxBytes: 1024 ** 3, maxDelay: 1000 }, Layout.array)
  const write = Export.eventWriter(entry, exportRule)
  for (const [index, event] of entry.events.entries()) {
    const error = write(event, index, builder.begin(null)!)
    if (error !== null) throw error
    builder.commit()
  }
  return builder.close().body([0, events])
}

const sign = Signature.signer(codec, {
  standardWebhooks: [`whsec_${randomBytes(32).toString("base64")}`],
  statsig: "webhook-secret",
})

/** One stage: something for it to work on, made before the clock runs, and its work. */
const stage =
  <A>(prepare: () => A, work: (input: A) => unknown) =>
  () => {
    const inputs = Array.from({ length: perTurn }, prepare)
    const before = cpuTime()
    for (const input of inputs) work(input)
    return (cpuTime() - before) / (perTurn * events)
  }

const nothing = () => undefined
const read = () => must(Entry.decode(decoded()))
const batch = batchOf(read())
const batchEvents: unknown = JSON.parse(Buffer.from(batch).toString())
if (passes(read()) !== events) throw new Error("the filter is meant to let all events through")

const stages = {
  "JSON.parse, for comparison": stage(nothing, () => JSON.parse(bytes.toString())),
  "Wire.decode": stage(nothing, decoded),
  "append to memory": stage(decoded, (entry) => Effect.runSync(log.append([entry]))),
  "Entry.decode": stage(decoded, (entry) => must(Entry.decode(entry))),
  "filter: a glob and a rule": stage(read, passes),
  "export and batch": stage(read, batchOf),
  "sign: both kinds": stage(nothing, () => sign({ id: "msg_1", sentAt: head.receivedAt, body: batch })),
  "JSON.stringify, for comparison": stage(nothing, () => Buffer.from(JSON.stringify(batchEvents))),
}
const names = Object.keys(stages) as ReadonlyArray<keyof typeof stages>

const all = await turns(names, warmUp + rounds, async (name, round) => {
  progress(`round ${round + 1} of ${warmUp + rounds}`)
  return stages[name]()
})
progressEnd()

const machine = environment()
const results = names.map((name) => {
  const costs = all[name].slice(warmUp)
  return { stage: name, cpuPerEvent: summary(costs), tenth: quantile(costs, 0.1) }
})
const base = results[0]!
publish(
  values.json,
  { benchmark: "stages", environment: machine, settings: { events, rounds, bytes: bytes.length }, results },
  [
    `CPU time per event, ${events} events a request (${bytes.length} bytes), ${rounds} rounds. ${describe(machine)}`,
    "",
    ...table(
      ["", "median us", "10th percentile us", "x JSON.parse"],
      results.map(({ stage, cpuPerEvent, tenth }) => [
        stage,
        cpuPerEvent.median.toFixed(3),
        tenth.toFixed(3),
        (tenth / base.tenth).toFixed(2),
      ]),
    ),
  ],
)
