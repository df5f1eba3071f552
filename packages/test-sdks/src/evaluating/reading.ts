import { names } from "../standIn/project.ts"
import type { Evaluated, Grouped, Reading } from "./EvaluatingSdk.ts"

/** How one thing is read of an SDK that has become a user. */
export interface Reader {
  readonly gate: (name: string) => Evaluated<boolean>
  readonly config: (name: string) => Evaluated<unknown>
  readonly experiment: (name: string) => Grouped<unknown>
  readonly layer: (
    name: string,
    parameters: ReadonlyArray<string>,
  ) => Grouped<Readonly<Record<string, unknown>>>
}

const record = <A>(keys: ReadonlyArray<string>, read: (name: string) => A): Readonly<Record<string, A>> =>
  Object.fromEntries(keys.map((name) => [name, read(name)]))

/** Reads everything there is, in an order that never changes. */
export const readAll = ({ gate, config, experiment, layer }: Reader): Reading => ({
  gates: record(names.gates, gate),
  configs: record(names.configs, config),
  experiments: record(names.experiments, experiment),
  layers: record(Object.keys(names.layers), (name) =>
    layer(name, names.layers[name as keyof typeof names.layers]),
  ),
})

/** Reads some parameters of a layer. */
export const parametersOf = (
  parameters: ReadonlyArray<string>,
  get: (parameter: string) => unknown,
): Readonly<Record<string, unknown>> => record(parameters, get)
