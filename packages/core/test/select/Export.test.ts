import { describe, expect, test } from "vitest"
import type { Event } from "../../src/base/Event.ts"
import type { JsonObject } from "../../src/base/json.ts"
import type { DecodedEntry } from "../../src/entry/Entry.ts"
import { timeUUIDs } from "../../src/entry/TimeUUID.ts"
import * as Catalog from "../../src/select/Catalog.ts"
import {
  ExportError,
  type ExportOptions,
  exporter,
  rule,
  type Transform,
  textExporter,
  type WebhookEvent,
} from "../../src/select/Export.ts"

const noFields = { drop: [], keep: null, hash: [] }

const blank: Event = {
  eventName: "page_view",
  user: {},
  time: 1_644_520_566_967,
  value: null,
  metadata: {},
  statsigMetadata: {},
}

const exported = (
  event: Partial<Event>,
  options: Partial<ExportOptions> = {},
  statsigMetadata: JsonObject = {},
  catalog: Catalog.Catalog = Catalog.empty,
) => {
  const entry: DecodedEntry = {
    id: "0123456789abcdef0123456789abcdef",
    receivedAt: 0,
    statsigMetadata,
    events: [{ ...blank, ...event }],
  }
  const exportRule = rule({ exposures: "statsigMetadata", fields: noFields, ...options }, null, () => catalog)
  return exporter(entry, exportRule)(entry.events[0]!, 0)
}

test("every field is always there, in the document's order", () => {
  const event = exported({})
  expect(Object.keys(event)).toEqual([
    "eventName",
    "user",
    "userID",
    "timestamp",
    "value",
    "metadata",
    "statsigMetadata",
    "timeUUID",
  ])
  expect(event).toEqual({
    eventName: "page_view",
    user: {},
    userID: "",
    timestamp: 1_644_520_566_967,
    value: "",
    metadata: {},
    statsigMetadata: {},
    timeUUID: timeUUIDs("0123456789abcdef0123456789abcdef")(blank.time, 0),
  })
})

test.each([
  ["text", "text"],
  [12.5, "12.5"],
  [0, "0"],
  [true, "true"],
  [false, "false"],
  ["", ""],
  [null, ""],
] as const)("value %j goes out as %j", (value, text) => {
  expect(exported({ value }).value).toBe(text)
})

test("userID is lifted from the user, numbers as text", () => {
  expect(exported({ user: { userID: "u1", country: "US" } })).toMatchObject({
    userID: "u1",
    user: { userID: "u1", country: "US" },
  })
  expect(exported({ user: { userID: 42 } }).userID).toBe("42")
  expect(exported({ user: { userID: null } }).userID).toBe("")
  expect(exported({ user: { userID: ["x"] } }).userID).toBe("")
  // One of these would be one person made of many.
  expect(exported({ user: { userID: false } }).userID).toBe("")
  expect(exported({ user: { userID: true } }).userID).toBe("")
})

test("a fractional time is floored", () => {
  expect(exported({ time: 1234.9 }).timestamp).toBe(1234)
  expect(exported({ time: -1.5 }).timestamp).toBe(-2)
})

test("statsigMetadata: the request's, then the event's, then the exposure's", () => {
  const event = exported(
    {
      eventName: "statsig::gate_exposure",
      metadata: { gate: "g", gateValue: "true", ruleID: "r", reason: "Network" },
      statsigMetadata: { sdkType: "event's", currentPage: "/" },
    },
    { exposures: "statsigMetadata" },
    { sdkType: "request's", sdkVersion: "1", gate: "request's" },
  )
  expect(event.statsigMetadata).toEqual({
    sdkType: "event's",
    sdkVersion: "1",
    currentPage: "/",
    gate: "g",
    gateValue: true,
    gateGroupName: "",
    ruleID: "r",
  })
  expect(event.metadata).toEqual({ reason: "Network" })
})

describe("exposures", () => {
  const gate = (gateValue: JsonObject) =>
    exported({ eventName: "statsig::gate_exposure", metadata: { gate: "g", ruleID: "r", ...gateValue } })

  test.each([
    ["true", true],
    ["false", false],
    [true, true],
    [false, false],
    ["TRUE", false],
    [1, false],
    [null, false],
  ] as const)("gateValue %j is %j", (gateValue, expected) => {
    expect(gate({ gateValue }).statsigMetadata["gateValue"]).toBe(expected)
  })

  test("gateValue absent is false", () => {
    expect(gate({}).statsigMetadata["gateValue"]).toBe(false)
  })

  test.each(["gateGroupName", "experimentGroupName", "groupName", "ruleName"])(
    "a group name under %s is found",
    (key) => {
      expect(gate({ [key]: "US Users" })).toMatchObject({
        metadata: {},
        statsigMetadata: { gateGroupName: "US Users" },
      })
    },
  )

  test("config_exposure becomes experiment_exposure, as in the document's example batch", () => {
    const event = exported({
      eventName: "statsig::config_exposure",
      metadata: { config: "test_experiment", ruleID: "5T2", rulePassed: "true", groupName: "Control" },
    })
    expect(event).toMatchObject({
      eventName: "statsig::experiment_exposure",
      value: "",
      metadata: { rulePassed: "true" },
      statsigMetadata: { config: "test_experiment", experimentGroupName: "Control", ruleID: "5T2" },
    })
  })

  test("layer_exposure keeps its name", () => {
    const details = {
      config: "a_layer",
      ruleID: "r",
      allocatedExperiment: "exp",
      parameterName: "p",
      isExplicitParameter: "true",
    }
    expect(
      exported({ eventName: "statsig::layer_exposure", metadata: { ...details, reason: "x" } }),
    ).toMatchObject({
      eventName: "statsig::layer_exposure",
      metadata: { reason: "x" },
      statsigMetadata: details,
    })
  })

  test("with exposures: metadata the details stand there", () => {
    const event = exported(
      { eventName: "statsig::gate_exposure", metadata: { gate: "g", gateValue: "true", ruleID: "r" } },
      { exposures: "metadata" },
    )
    expect(event.metadata).toEqual({ gate: "g", gateValue: true, gateGroupName: "", ruleID: "r" })
    expect(event.statsigMetadata).toEqual({})
  })

  test.each(["statsigMetadata", "metadata"] as const)(
    "what was exported with %s is exported again unchanged",
    (exposures) => {
      for (const eventName of [
        "statsig::gate_exposure",
        "statsig::config_exposure",
        "statsig::layer_exposure",
      ]) {
        const once = exported(
          { eventName, metadata: { gate: "g", gateValue: "true", ruleID: "r", config: "c", groupName: "G" } },
          { exposures },
        )
        const { userID: _, timestamp, timeUUID: __, ...event } = once
        expect(exported({ ...event, time: timestamp }, { exposures })).toEqual(once)
      }
    },
  )
})

test("an own __proto__ key stays data", () => {
  const metadata = JSON.parse('{"__proto__": {"polluted": true}, "gate": "g"}') as JsonObject
  const event = exported({ eventName: "statsig::gate_exposure", metadata })
  expect(JSON.stringify(event.metadata)).toBe('{"__proto__":{"polluted":true}}')
  expect(Object.getPrototypeOf(event.metadata)).toBe(Object.prototype)
})

describe("with a catalog", () => {
  const catalog: Catalog.Catalog = {
    isDynamicConfig: (config) => (config === "unknown" ? undefined : config === "a_config"),
    gateGroup: (gate, ruleID) => (gate === "g" && ruleID === "r" ? "US Users" : undefined),
    configGroup: (config, ruleID) => (ruleID === "r" ? `group of ${config}` : undefined),
  }
  const exposed = (name: string, metadata: JsonObject, options: Partial<ExportOptions> = {}) =>
    exported({ eventName: `statsig::${name}`, metadata }, options, {}, catalog)

  test.each([
    ["a_config", "statsig::config_exposure"],
    ["an_experiment", "statsig::experiment_exposure"],
    ["unknown", "statsig::experiment_exposure"],
  ])("the exposure of %s is a %s", (config, eventName) => {
    expect(exposed("config_exposure", { config, ruleID: "x" })).toMatchObject({
      eventName,
      statsigMetadata: { config, experimentGroupName: "", ruleID: "x" },
    })
    expect(exposed("experiment_exposure", { config }).eventName).toBe("statsig::experiment_exposure")
  })

  test("a rule has its group's name, which wins over one in the metadata", () => {
    const { statsigMetadata } = exposed("gate_exposure", { gate: "g", ruleID: "r", groupName: "old" })
    expect(statsigMetadata["gateGroupName"]).toBe("US Users")
    expect(
      exposed("gate_exposure", { gate: "g", ruleID: "other", groupName: "old" }).statsigMetadata[
        "gateGroupName"
      ],
    ).toBe("old")
    expect(
      exposed("config_exposure", { config: "c", ruleID: "r" }, { exposures: "metadata" }).metadata,
    ).toEqual({ config: "c", experimentGroupName: "group of c", ruleID: "r" })
  })

  test("a layer's rule is the allocated experiment's", () => {
    const groupOf = (metadata: JsonObject) =>
      exposed("layer_exposure", { config: "layer", ruleID: "r", ...metadata }).statsigMetadata[
        "experimentGroupName"
      ]
    expect(groupOf({ allocatedExperiment: "exp" })).toBe("group of exp")
    expect(groupOf({})).toBe("group of ")
  })

  test("a config exposure that was exported before keeps its name, with a catalog and without", () => {
    const { userID: _, timestamp, timeUUID: __, ...once } = exposed("config_exposure", { config: "a_config" })
    for (const known of [catalog, Catalog.empty]) {
      expect(exported({ ...once, time: timestamp }, {}, {}, known).eventName).toBe("statsig::config_exposure")
    }
  })
})

describe("field rules", () => {
  test("speak of the exported event", () => {
    const event = exported(
      {
        eventName: "statsig::gate_exposure",
        metadata: { gate: "g", ruleID: "r", reason: "x" },
        user: { userID: 7 },
      },
      { fields: { drop: ["statsigMetadata.ruleID", "metadata.gate", "userID"], keep: null, hash: [] } },
    )
    expect(event).toMatchObject({ user: {}, userID: "", metadata: { reason: "x" } })
    expect(event.statsigMetadata).toEqual({ gate: "g", gateValue: false, gateGroupName: "" })
  })
})

describe("a transform", () => {
  const entry: DecodedEntry = {
    id: "0123456789abcdef0123456789abcdef",
    receivedAt: 0,
    statsigMetadata: {},
    events: [{ ...blank, user: { userID: "u", email: "a@b.c" }, metadata: { page: "home" } }],
  }
  const textOf = (transform: Transform) =>
    textExporter(entry, rule({ exposures: "statsigMetadata", fields: noFields, transform }, null))(
      entry.events[0]!,
      0,
    )

  test("makes what is sent", () => {
    const text = textOf((event) => ({ ...event, metadata: { ...event.metadata, source: "millrace" } }))
    expect(JSON.parse(text as string)).toMatchObject({ metadata: { page: "home", source: "millrace" } })
  })

  test("comes after field rules", () => {
    const seen: Array<string> = []
    const exportRule = rule(
      {
        exposures: "statsigMetadata",
        fields: { drop: ["user.email"], keep: null, hash: [] },
        transform: (event) => {
          seen.push(JSON.stringify(event.user))
          return event
        },
      },
      null,
    )
    textExporter(entry, exportRule)(entry.events[0]!, 0)
    expect(seen).toEqual(['{"userID":"u"}'])
  })

  test("that changes its event in place changes no other destination's", () => {
    const before = JSON.stringify(entry)
    const text = textOf((event) => {
      ;(event.user as Record<string, unknown>)["email"] = "gone"
      return event
    })
    expect(text).toContain("gone")
    expect(JSON.stringify(entry)).toBe(before)
  })

  const circular = (event: WebhookEvent) => {
    const metadata: Record<string, unknown> = {}
    metadata["self"] = metadata
    return { ...event, metadata }
  }

  test.each<readonly [string, (event: WebhookEvent) => unknown]>([
    ["throws", (event) => (event.metadata["page"] as unknown as { nothing: { x: 1 } }).nothing.x],
    [
      "throws what is no error",
      () => {
        throw "a@b.c"
      },
    ],
    ["returns nothing", () => undefined],
    ["returns null", () => null],
    ["is async", async (event) => event],
    ["forgets a field", ({ timeUUID: _, ...event }) => event],
    ["makes a field another type", (event) => ({ ...event, value: 3 })],
    ["makes a time that is none", (event) => ({ ...event, timestamp: Number.NaN })],
    ["returns the events of a batch", (event) => [event]],
    ["makes what JSON cannot say", circular],
    ["makes a bigint", (event) => ({ ...event, metadata: { big: 1n } })],
  ])("that %s gives no text, and an error that tells nothing of the event", (_, transform) => {
    const failed = textOf(transform as Transform)
    expect(failed).toBeInstanceOf(ExportError)
    expect((failed as ExportError).message).toMatch(
      /^the transform (threw: \w+|returned no event with all eight fields)$/,
    )
  })
})

describe("the key of a rule", () => {
  const keyOf = (options: Partial<ExportOptions>) =>
    rule({ exposures: "statsigMetadata", fields: noFields, ...options }, null).key
  const transform: Transform = (event) => event

  test("is the same for what makes the same, and for nothing else", () => {
    expect(keyOf({ transform })).toBe(keyOf({ transform }))
    const all = [
      keyOf({}),
      keyOf({ exposures: "metadata" }),
      keyOf({ fields: { ...noFields, drop: ["user.email"] } }),
      keyOf({ transform }),
      keyOf({ transform: (event) => event }),
    ]
    expect(new Set(all).size).toBe(all.length)
  })
})
