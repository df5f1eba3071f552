/** One condition of a rule, as config specs have it. */
export interface Condition {
  readonly type: string
  readonly operator: string | null
  readonly targetValue: unknown
  readonly field: string | null
  readonly idType: string
  readonly additionalValues: Readonly<Record<string, string>>
}

export interface Rule {
  readonly name: string
  readonly id: string
  readonly salt: string
  readonly idType: string
  readonly passPercentage: number
  readonly returnValue: unknown
  readonly conditions: ReadonlyArray<Condition>
  readonly groupName?: string
  readonly isExperimentGroup?: boolean
  /** In a layer: the experiment that decides. */
  readonly configDelegate?: string
}

/** A gate, a dynamic config, an experiment or a layer. */
export interface Spec {
  readonly name: string
  readonly type: "feature_gate" | "dynamic_config"
  readonly entity: "feature_gate" | "segment" | "dynamic_config" | "experiment" | "layer"
  readonly salt: string
  readonly idType: string
  readonly enabled: boolean
  readonly defaultValue: unknown
  readonly rules: ReadonlyArray<Rule>
  readonly isActive?: boolean
  readonly hasSharedParams?: boolean
  readonly explicitParameters?: ReadonlyArray<string>
}

export interface Project {
  /** When it was changed last. */
  readonly time: number
  readonly gates: ReadonlyArray<Spec>
  readonly configs: ReadonlyArray<Spec>
  readonly layers: ReadonlyArray<Spec>
  /** The experiments of each layer. */
  readonly layerExperiments: Readonly<Record<string, ReadonlyArray<string>>>
  /** The users on each list that is too long for a rule. */
  readonly idLists: Readonly<Record<string, ReadonlyArray<string>>>
}

const idType = "userID"

const condition = (type: string, more: Partial<Condition> = {}): Condition => ({
  type,
  operator: null,
  targetValue: null,
  field: null,
  idType,
  additionalValues: {},
  ...more,
})

const everyone = condition("public")

const inCountry = (...countries: ReadonlyArray<string>) =>
  condition("user_field", { operator: "any", field: "country", targetValue: countries })

/** The users of a thousand buckets that lie below this one. */
const bucketBelow = (salt: string, bucket: number) =>
  condition("user_bucket", { operator: "lt", targetValue: bucket, additionalValues: { salt } })

const rule = (id: string, of: Condition, returnValue: unknown, more: Partial<Rule> = {}): Rule => ({
  name: id,
  id,
  salt: id,
  idType,
  passPercentage: 100,
  returnValue,
  conditions: [of],
  ...more,
})

const gate = (name: string, rules: ReadonlyArray<Rule>, more: Partial<Spec> = {}): Spec => ({
  name,
  type: "feature_gate",
  entity: "feature_gate",
  salt: name,
  idType,
  enabled: true,
  defaultValue: false,
  rules,
  ...more,
})

const config = (
  name: string,
  entity: Spec["entity"],
  defaultValue: unknown,
  rules: ReadonlyArray<Rule>,
  more: Partial<Spec> = {},
): Spec => ({ ...gate(name, rules), type: "dynamic_config", entity, defaultValue, ...more })

const group = (experiment: string, groupName: string, bucket: number, value: unknown): Rule =>
  rule(`${experiment}_${groupName}`, bucketBelow(experiment, bucket), value, {
    groupName,
    isExperimentGroup: true,
  })

/** Something of every kind, on for some users and off for others. */
export const project: Project = {
  time: 1_700_000_000_000,
  gates: [
    gate("everybody", [rule("everybody_rule", everyone, true)]),
    gate("nobody", [rule("nobody_rule", everyone, true, { passPercentage: 0 })]),
    gate("half", [rule("half_rule", everyone, true, { passPercentage: 50 })]),
    gate("germans", [rule("germans_rule", inCountry("DE"), true)]),
    gate("switched_off", [], { enabled: false }),
    gate("testers", [rule("testers_rule", condition("pass_gate", { targetValue: "segment:testers" }), true)]),
    gate(
      "segment:testers",
      [
        rule(
          "segment_rule",
          condition("unit_id", { operator: "in_segment_list", targetValue: "testers" }),
          true,
        ),
      ],
      { entity: "segment" },
    ),
  ],
  configs: [
    config("shop", "dynamic_config", { currency: "USD", vat: 0 }, [
      rule("shop_rule", inCountry("DE", "FR"), { currency: "EUR", vat: 0.2, banks: ["n26", "bnp"] }),
    ]),
    config(
      "button",
      "experiment",
      { color: "grey" },
      [
        group("button", "Control", 500, { color: "grey" }),
        group("button", "Test", 1_000, { color: "green" }),
      ],
      { isActive: true, explicitParameters: ["color"] },
    ),
    config(
      "tall_header",
      "experiment",
      { height: 1 },
      [
        group("tall_header", "Low", 500, { height: 1, title: "Shop" }),
        group("tall_header", "Tall", 1_000, { height: 3, title: "Shop" }),
      ],
      { isActive: true, hasSharedParams: true, explicitParameters: ["height"] },
    ),
  ],
  layers: [
    config("header", "layer", { height: 1, title: "Shop" }, [
      rule("header_rule", everyone, { height: 1, title: "Shop" }, { configDelegate: "tall_header" }),
    ]),
  ],
  layerExperiments: { header: ["tall_header"] },
  idLists: { testers: ["user-1", "user-4", "user-9"] },
}

/** What SDKs are asked for. */
export const names = {
  gates: ["everybody", "nobody", "half", "germans", "switched_off", "testers", "unknown"],
  configs: ["shop"],
  experiments: ["button", "tall_header"],
  /** With their parameters. */
  layers: { header: ["height", "title"] },
} as const

export interface ProjectUser {
  readonly userID: string
  readonly country: string
}

/** Enough of them that every group of an experiment has some. */
export const users: ReadonlyArray<ProjectUser> = Array.from({ length: 12 }, (_, n) => ({
  userID: `user-${n}`,
  country: ["DE", "FR", "US"][n % 3]!,
}))
