import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Event } from "../../src/base/Event.ts"
import * as Catalog from "../../src/select/Catalog.ts"
import * as Filter from "../../src/select/Filter.ts"

const filter = (encoded: typeof Filter.Filter.Encoded): Filter.Filter =>
  Schema.decodeUnknownSync(Filter.Filter)(encoded)

const passes = (encoded: typeof Filter.Filter.Encoded, name: string) =>
  Filter.compile(filter(encoded)).name(name)

const all = [
  ["statsig::gate_exposure", "exposures"],
  ["statsig::experiment_exposure", "exposures"],
  ["statsig::config_exposure", "exposures"],
  ["statsig::layer_exposure", "exposures"],
  ["statsig::holdout_exposure", "exposures"],
  ["statsig::config_change", "config_changes"],
  ["auto_capture::page_view", "auto_capture"],
  ["statsig::diagnostics", "internal"],
  ["statsig::non_exposed_checks", "internal"],
  ["statsig::log_event_failed", "internal"],
  ["statsig::default_value_type_mismatch", "internal"],
  ["statsig::session_recording", "internal"],
  ["statsig::log_line", "internal"],
  ["dropped_log_event.count", "internal"],
  ["statsig::app_error", "custom"],
  ["statsig::app_metrics::scroll_depth", "custom"],
  ["statsig::gen_ai", "custom"],
  ["page_view", "custom"],
  ["toString", "custom"],
] as const

test.each(all)("%s is of the category %s", (name, category) => {
  expect(Filter.categoryOf(name)).toBe(category)
})

test("by default all but internal events pass", () => {
  for (const [name, category] of all) expect(passes({}, name)).toBe(category !== "internal")
})

test.each(all)("the check-box of %s switches it alone", (name, category) => {
  const on = { exposures: false, config_changes: false, custom: false, auto_capture: false, internal: false }
  expect(passes({ categories: { ...on, [category]: true } }, name)).toBe(true)
  expect(passes({ categories: { ...on, internal: true, [category]: false } }, name)).toBe(false)
})

describe("the dialog's table of custom events", () => {
  const table = { page_view: false, "statsig::app_error": true, __proto__: null } as unknown as Record<
    string,
    boolean
  >

  test("a switch decides for its name, the rest follows newCustomEvents", () => {
    expect(passes({ customEvents: table }, "page_view")).toBe(false)
    expect(passes({ customEvents: table }, "anything")).toBe(true)
    expect(passes({ customEvents: table, newCustomEvents: false }, "anything")).toBe(false)
    expect(passes({ customEvents: table, newCustomEvents: false }, "statsig::app_error")).toBe(true)
    expect(passes({ newCustomEvents: false }, "constructor")).toBe(false)
  })

  test("it says nothing of other categories", () => {
    expect(passes({ newCustomEvents: false }, "statsig::gate_exposure")).toBe(true)
    expect(passes({ customEvents: { "statsig::gate_exposure": false } }, "statsig::gate_exposure")).toBe(true)
  })
})

describe("globs", () => {
  test.each([
    ["checkout_*", "checkout_done", true],
    ["checkout_*", "checkout", false],
    ["*_done", "checkout_done", true],
    ["*", "", true],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["a?c", "a\u{1F600}c", true],
    ["a.c", "abc", false],
    ["[a]", "[a]", true],
    ["a*b*c", "a-b-b-c", true],
    ["line*end", "line\nend", true],
    ["Case", "case", false],
  ])("%s and %s: %s", (include, name, expected) => {
    expect(passes({ include: [include] }, name)).toBe(expected)
    expect(passes({ exclude: [include] }, name)).toBe(!expected)
  })

  test("one of include, none of exclude", () => {
    const rule = { include: ["a*", "b*"], exclude: ["*secret*"] }
    expect(["a1", "b1", "c1", "a_secret"].map((name) => passes(rule, name))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test("a name without wildcards is itself and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (pattern, name) => {
        fc.pre(!/[*?]/.test(pattern))
        expect(passes({ include: [pattern] }, name)).toBe(pattern === name)
      }),
    )
  })
})

describe("names of exposures are those they are exported under", () => {
  const catalog: Catalog.Catalog = {
    ...Catalog.empty,
    isDynamicConfig: (config) => (config === "unknown" ? undefined : config === "a_config"),
  }
  const sent = (eventName: string, config: string): Event => ({
    eventName,
    user: {},
    time: 0,
    value: null,
    metadata: { config },
    statsigMetadata: {},
  })
  const goes = (rule: typeof Filter.Filter.Encoded, event: Event, known = catalog): boolean => {
    const compiled = Filter.compile(filter(rule), { catalog: () => known })
    const entry = { id: "00", receivedAt: 0, statsigMetadata: {}, events: [event] }
    return compiled.name(event.eventName) && (compiled.event === null || compiled.event(event, 0, entry))
  }
  const asConfig = "statsig::config_exposure"
  const asExperiment = "statsig::experiment_exposure"

  test.each([
    [asExperiment, "an_experiment", true],
    [asExperiment, "a_config", false],
    [asExperiment, "unknown", true],
    [asConfig, "an_experiment", false],
    [asConfig, "a_config", true],
    // Nobody knows, so it goes by both names.
    [asConfig, "unknown", true],
  ])("%s is that of %s: %s", (name, config, expected) => {
    const event = sent(asConfig, config)
    expect(goes({ include: [name] }, event)).toBe(expected)
    expect(goes({ exclude: [name] }, event)).toBe(!expected)
  })

  test("without a catalog it goes by both names", () => {
    for (const name of [asConfig, asExperiment]) {
      expect(goes({ include: [name] }, sent(asConfig, "a_config"), Catalog.empty)).toBe(true)
      expect(goes({ exclude: [name] }, sent(asConfig, "a_config"), Catalog.empty)).toBe(false)
    }
  })

  test("what comes as an experiment's exposure is one", () => {
    expect(goes({ include: [asConfig] }, sent(asExperiment, "a_config"))).toBe(false)
    expect(goes({ include: [asExperiment] }, sent(asExperiment, "a_config"))).toBe(true)
  })

  test("an event is looked at only where names differ", () => {
    expect(Filter.compile(filter({ include: ["statsig::*"] })).event).toBe(null)
    expect(Filter.compile(filter({ include: [asConfig] })).event).not.toBe(null)
  })
})

test("where, sample and predicate must all let an event through, each asked only about what passed before", () => {
  const asked: Array<string> = []
  const compiled = Filter.compile(filter({ sample: 0.5, where: { field: "value", gt: 10 } }), {
    predicate: ({ user }) => {
      asked.push(String(user["userID"]))
      return asked.length % 2 === 0
    },
  })
  const passed: Array<string> = []
  for (let n = 0; n < 100; n++) {
    const user = { userID: `u${n}` }
    const event: Event = { eventName: "e", user, time: 0, value: n, metadata: {}, statsigMetadata: {} }
    const entry = { id: "00", receivedAt: 0, statsigMetadata: {}, events: [event] }
    if (compiled.event?.(event, 0, entry)) passed.push(user.userID)
  }
  expect(asked.length).toBeGreaterThan(20)
  expect(asked.length).toBeLessThan(70)
  expect(asked.every((id) => Number(id.slice(1)) > 10)).toBe(true)
  expect(passed).toEqual(asked.filter((_, at) => at % 2 === 1))
})

describe("a predicate", () => {
  const event: Event = { eventName: "e", user: {}, time: 0, value: 3, metadata: {}, statsigMetadata: {} }
  const entry = { id: "00", receivedAt: 0, statsigMetadata: {}, events: [event] }
  const asked = (predicate: (event: Event) => boolean, change: Partial<Event> = {}) =>
    Filter.compile(filter({}), { predicate }).event?.({ ...event, ...change }, 0, entry)

  test("is asked about the event", () => {
    const isLarge = ({ value }: Event) => Number(value) > 2
    expect(asked(isLarge)).toBe(true)
    expect(asked(isLarge, { value: 1 })).toBe(false)
  })

  test("that throws, or answers anything but true, lets nothing through", () => {
    const broken = () => {
      throw new Error("a bug")
    }
    expect(asked(broken)).toBe(false)
    expect(asked((async () => false) as never)).toBe(false)
    expect(asked((() => 1) as never)).toBe(false)
  })
})
