const everyone = (id: string, returnValue: unknown) => ({
  id,
  name: id,
  groupName: "Everyone",
  passPercentage: 100,
  salt: id,
  returnValue,
  conditions: [{ type: "public", targetValue: null, operator: null, field: null, additionalValues: {} }],
})

const spec = (name: string, type: string, defaultValue: unknown, returnValue: unknown) => ({
  name,
  type,
  salt: name,
  enabled: true,
  defaultValue,
  entity: type,
  rules: [everyone(`${name}_rule`, returnValue)],
})

/** What Statsig's servers would answer to `download_config_specs`. */
export const bootstrapValues = JSON.stringify({
  has_updates: true,
  time: 1,
  feature_gates: [spec("new_checkout", "feature_gate", false, true)],
  dynamic_configs: [spec("shop", "dynamic_config", {}, { currency: "EUR" })],
  layer_configs: [spec("header", "dynamic_config", {}, { color: "blue" })],
  layers: {},
})

const evaluation = (name: string, value: unknown) => ({
  name,
  value,
  rule_id: `${name}_rule`,
  group: `${name}_rule`,
  is_device_based: false,
  secondary_exposures: [],
})

/** What Statsig's servers would answer to `initialize`. */
export const initializeValues = (userID: string) => ({
  user: { userID },
  has_updates: true,
  time: 1,
  hash_used: "none",
  feature_gates: { new_checkout: evaluation("new_checkout", true) },
  dynamic_configs: { shop: evaluation("shop", { currency: "EUR" }) },
  layer_configs: {
    header: {
      ...evaluation("header", { color: "blue" }),
      explicit_parameters: [],
      undelegated_secondary_exposures: [],
    },
  },
})
