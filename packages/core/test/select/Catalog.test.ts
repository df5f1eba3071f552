import * as Result from "effect/Result"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as Catalog from "../../src/select/Catalog.ts"

/** As SDKs of the first generation get it: lists of specs. */
const lists = {
  has_updates: true,
  time: 1_700_000_000_000,
  feature_gates: [
    {
      name: "a_gate",
      type: "feature_gate",
      entity: "feature_gate",
      rules: [
        { id: "g1", name: "g1", groupName: "US Users" },
        { id: "g2", name: "Everyone else" },
        { id: "g3", name: "g3" },
      ],
    },
  ],
  // The type of every one of them is dynamic_config: the entity tells.
  dynamic_configs: [
    { name: "a_config", type: "dynamic_config", entity: "dynamic_config", rules: [] },
    {
      name: "an_experiment",
      type: "dynamic_config",
      entity: "experiment",
      rules: [
        { id: "layerAssignment", name: "layerAssignment" },
        { id: "e1", name: "e1", groupName: "Control", isExperimentGroup: true },
        { id: "e2", name: "e2", groupName: "Test", isExperimentGroup: true },
      ],
    },
    { name: "an_autotune", type: "dynamic_config", entity: "autotune", rules: [] },
    { name: "of_old", type: "dynamic_config", rules: [] },
  ],
  layer_configs: [
    {
      name: "a_layer",
      type: "dynamic_config",
      entity: "layer",
      rules: [{ id: "l1", groupName: "Layer group" }],
    },
  ],
}

const byName = (specs: ReadonlyArray<{ readonly name: string }>) =>
  Object.fromEntries(specs.map(({ name, ...spec }) => [name, spec]))

/** As the server core gets it: specs by their names. */
const maps = {
  ...lists,
  response_format: "dcs-v2",
  feature_gates: byName(lists.feature_gates),
  dynamic_configs: byName(lists.dynamic_configs),
  layer_configs: byName(lists.layer_configs),
}

describe.each([
  ["lists", lists],
  ["maps", maps],
])("a document of %s", (_, document) => {
  const catalog = Result.getOrThrow(Catalog.fromSpecs(document))

  test.each([
    ["a_config", true],
    ["an_experiment", false],
    ["an_autotune", false],
    ["a_layer", false],
    ["of_old", undefined],
    ["unheard_of", undefined],
    ["constructor", undefined],
    ["a_gate", undefined],
  ])("whether %s is a dynamic config: %s", (name, expected) => {
    expect(catalog.isDynamicConfig(name)).toBe(expected)
  })

  test.each([
    ["g1", "US Users"],
    ["g2", "Everyone else"],
    ["g3", undefined],
    ["e1", undefined],
    ["", undefined],
  ])("the gate's group of rule %s is %s", (ruleID, expected) => {
    expect(catalog.gateGroup("a_gate", ruleID)).toBe(expected)
  })

  test.each([
    ["an_experiment", "e1", "Control"],
    ["an_experiment", "e2", "Test"],
    ["an_experiment", "layerAssignment", undefined],
    ["a_config", "e1", undefined],
    ["a_layer", "l1", "Layer group"],
    ["unheard_of", "e1", undefined],
  ])("the group of %s for rule %s is %s", (config, ruleID, expected) => {
    expect(catalog.configGroup(config, ruleID)).toBe(expected)
  })
})

test.each([
  [null, "expected an object: the answer of download_config_specs"],
  ["<html>", "expected an object: the answer of download_config_specs"],
  [[lists], "expected an object: the answer of download_config_specs"],
  [{}, "expected at least one of feature_gates, dynamic_configs, layer_configs"],
  [{ has_updates: false }, "expected at least one of feature_gates, dynamic_configs, layer_configs"],
  [{ feature_gates: null }, "expected at least one of feature_gates, dynamic_configs, layer_configs"],
])("%j is no such document", (document, expected) => {
  expect(Catalog.fromSpecs(document)).toEqual(Result.fail(expected))
})

test("whatever stands where a spec or a rule should: the others are read", () => {
  const junk = fc.jsonValue({ maxDepth: 3 })
  fc.assert(
    fc.property(junk, junk, junk, (spec, rule, rules) => {
      const catalog = Result.getOrThrow(
        Catalog.fromSpecs({
          feature_gates: [
            spec,
            { name: "odd", rules },
            { name: "g", rules: [rule, { id: "r", groupName: "R" }] },
          ],
          dynamic_configs: { odd: spec, c: { entity: "dynamic_config", rules } },
          layer_configs: rules,
        }),
      )
      expect(catalog.gateGroup("g", "r")).toBe("R")
      expect(catalog.isDynamicConfig("c")).toBe(true)
    }),
  )
})
