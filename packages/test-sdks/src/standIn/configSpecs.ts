import { createHash } from "node:crypto"
import type { Condition, Project, Spec } from "./project.ts"

/** What `v1/download_config_specs` answers: lists, each rule with its conditions. */
export const configSpecsV1 = (project: Project) => ({
  has_updates: true,
  time: project.time,
  company_id: "stand-in",
  feature_gates: project.gates,
  dynamic_configs: project.configs,
  layer_configs: project.layers,
  layers: project.layerExperiments,
  id_lists: Object.fromEntries(Object.keys(project.idLists).map((name) => [name, true])),
})

/** What `v2/download_config_specs` answers: all by name, each condition once, under a number. */
export const configSpecsV2 = (project: Project) => {
  const numbers = new Map<string, string>()
  const conditions: Record<string, Condition> = {}
  const numberOf = (condition: Condition): string => {
    const text = JSON.stringify(condition)
    const known = numbers.get(text)
    if (known !== undefined) return known
    const number = `${numbers.size + 1}`
    numbers.set(text, number)
    conditions[number] = condition
    return number
  }
  const byName = (specs: ReadonlyArray<Spec>) =>
    Object.fromEntries(
      specs.map(({ name, ...spec }) => [
        name,
        {
          ...spec,
          rules: spec.rules.map((rule) => ({ ...rule, conditions: rule.conditions.map(numberOf) })),
        },
      ]),
    )
  return {
    has_updates: true,
    time: project.time,
    company_id: "stand-in",
    response_format: "dcs-v2",
    feature_gates: byName(project.gates),
    dynamic_configs: byName(project.configs),
    layer_configs: byName(project.layers),
    condition_map: conditions,
    experiment_to_layer: Object.fromEntries(
      Object.entries(project.layerExperiments).flatMap(([layer, experiments]) =>
        experiments.map((experiment) => [experiment, layer]),
      ),
    ),
    id_lists: Object.fromEntries(Object.keys(project.idLists).map((name) => [name, true])),
  }
}

/** The file of an ID list: a line for each user, the first characters of a hash. */
export const idListFile = (users: ReadonlyArray<string>): string =>
  users.map((id) => `+${createHash("sha256").update(id).digest("base64").slice(0, 8)}\n`).join("")

/**
 * What `get_id_lists` answers.
 *
 * @param storage where the files of the lists are: Statsig's are on a host of their own
 */
export const idLists = ({ idLists, time }: Project, storage: string) =>
  Object.fromEntries(
    Object.entries(idLists).map(([name, ids]) => [
      name,
      {
        name,
        size: Buffer.byteLength(idListFile(ids)),
        url: `${storage}/${name}`,
        creationTime: time,
        fileID: `${name}-1`,
      },
    ]),
  )
