// What Statsig's servers would answer to the SDK's question what gates there are: with it the SDK
// works offline.

const everyone = (id, groupName, returnValue) => ({
  id,
  name: id,
  groupName,
  passPercentage: 100,
  salt: id,
  returnValue,
  conditions: [{ type: "public", targetValue: null, operator: null, field: null, additionalValues: {} }],
})

const spec = (name, entity, type, defaultValue, rule) => ({
  name,
  entity,
  type,
  salt: name,
  enabled: true,
  defaultValue,
  rules: [rule],
})

export const checkoutSpecs = JSON.stringify({
  has_updates: true,
  time: 1,
  feature_gates: [
    spec("new_checkout", "feature_gate", "feature_gate", false, everyone("rule_everyone", "Everyone", true)),
  ],
  dynamic_configs: [
    spec(
      "button_colour",
      "experiment",
      "dynamic_config",
      {},
      everyone("group_green", "Green", { colour: "green" }),
    ),
  ],
  layer_configs: [
    spec("header", "layer", "dynamic_config", {}, everyone("rule_banner", "Banner", { banner: "Hello" })),
  ],
  layers: {},
})
