import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type { Json } from "../base/json.ts"
import { isObject } from "../base/json.ts"

/**
 * What a project's gates and configs are: exposures alone tell neither an experiment from a dynamic
 * config nor the name of a group.
 */
export interface Catalog {
  /** `undefined` for a config it does not know. */
  readonly isDynamicConfig: (config: string) => boolean | undefined
  /** The name of the group of a gate that a rule id stands for; `undefined` when it has none. */
  readonly gateGroup: (gate: string, ruleID: string) => string | undefined
  /** The same of an experiment, a dynamic config or a layer. */
  readonly configGroup: (config: string, ruleID: string) => string | undefined
}

export const empty: Catalog = {
  isDynamicConfig: () => undefined,
  gateGroup: () => undefined,
  configGroup: () => undefined,
}

/**
 * The catalog in use, asked for anew by every entry: a loader puts a newer one in place while
 * events flow. Empty by default.
 */
export const CurrentCatalog = Context.Reference<() => Catalog>("@millrace/core/CurrentCatalog", {
  defaultValue: () => () => empty,
})

/** Always the same catalog. */
export const layer = (catalog: Catalog): Layer.Layer<never> => Layer.succeed(CurrentCatalog, () => catalog)

/** Group names of a spec by rule id. */
type Groups = ReadonlyMap<string, string>

interface Config {
  readonly entity: string
  readonly groups: Groups
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "")

/**
 * The first version of the document has lists of specs with their names in them, the second has
 * them by name.
 */
const specsOf = (specs: Json | undefined): ReadonlyArray<readonly [name: string, spec: Json]> => {
  if (Array.isArray(specs)) return specs.map((spec: Json) => [isObject(spec) ? text(spec["name"]) : "", spec])
  return isObject(specs) ? Object.entries(specs) : []
}

const groupsOf = (rules: Json | undefined): Groups => {
  const groups = new Map<string, string>()
  if (!Array.isArray(rules)) return groups
  for (const rule of rules as ReadonlyArray<Json>) {
    if (!isObject(rule)) continue
    const id = text(rule["id"])
    const name = text(rule["name"])
    // Where a rule has no group, its name repeats its id.
    const group = text(rule["groupName"]) || (name === id ? "" : name)
    if (id !== "" && group !== "") groups.set(id, group)
  }
  return groups
}

const configsOf = (...directories: ReadonlyArray<Json | undefined>): ReadonlyMap<string, Config> => {
  const configs = new Map<string, Config>()
  for (const [name, spec] of directories.flatMap(specsOf)) {
    if (name === "" || !isObject(spec)) continue
    configs.set(name, { entity: text(spec["entity"]), groups: groupsOf(spec["rules"]) })
  }
  return configs
}

const directories = ["feature_gates", "dynamic_configs", "layer_configs"] as const

/**
 * Reads a config-specs document: what Statsig's `download_config_specs` answers, in either of its
 * versions. A spec it cannot make sense of is left out; a document without any list of specs is
 * refused, with the reason.
 */
export const fromSpecs = (document: unknown): Result.Result<Catalog, string> => {
  if (!isObject(document)) return Result.fail("expected an object: the answer of download_config_specs")
  if (!directories.some((name) => typeof document[name] === "object" && document[name] !== null)) {
    return Result.fail(`expected at least one of ${directories.join(", ")}`)
  }
  const gates = configsOf(document["feature_gates"])
  const configs = configsOf(document["layer_configs"], document["dynamic_configs"])
  return Result.succeed({
    isDynamicConfig: (config) => {
      const entity = configs.get(config)?.entity
      return entity === undefined || entity === "" ? undefined : entity === "dynamic_config"
    },
    gateGroup: (gate, ruleID) => gates.get(gate)?.groups.get(ruleID),
    configGroup: (config, ruleID) => configs.get(config)?.groups.get(ruleID),
  })
}
