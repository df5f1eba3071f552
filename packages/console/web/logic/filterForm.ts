/**
 * What the dialog Event Filtering holds: a destination's selection as somebody edits it. A
 * selection that goes in and is not touched comes out as it was.
 */
import type { Fields, Filter } from "@millrace/core"
import { fromPercent, toPercent } from "./percentText.ts"
import { textsOf, toLine } from "./quoted.ts"
import { fromForm, toForm, type WhereForm } from "./whereRows.ts"

export type Category = Filter.Category

/** What decides which events a destination gets, and what of them; its defaults are spelled out. */
export interface Selection {
  readonly filter: Filter.Filter
  readonly fields: Fields.Fields
  readonly exposures: "statsigMetadata" | "metadata"
}

/** What becomes of a field. `sent` writes no rule: it only offers the field in the table. */
export type Treatment = "sent" | "dropped" | "hashed"

export interface FieldRow {
  readonly path: string
  readonly treatment: Treatment
}

export interface FilterForm {
  readonly categories: Readonly<Record<Category, boolean>>
  readonly newCustomEvents: boolean
  readonly customEvents: Readonly<Record<string, boolean>>
  readonly include: string
  readonly exclude: string
  readonly where: WhereForm
  /** In percent of users. */
  readonly sample: string
  readonly fields: ReadonlyArray<FieldRow>
  /** The only fields that are sent; `null` for all. */
  readonly keep: string | null
  readonly exposures: Selection["exposures"]
}

/** What many people would rather not send: offered, and sent unless they say otherwise. */
const offered = ["user.email", "user.ip", "user.custom.*"] as const

const rowsOf = ({ drop, hash }: Fields.Fields): ReadonlyArray<FieldRow> => [
  ...drop.map((path): FieldRow => ({ path, treatment: "dropped" })),
  ...hash.map((path): FieldRow => ({ path, treatment: "hashed" })),
  ...offered
    .filter((path) => !drop.includes(path) && !hash.includes(path))
    .map((path): FieldRow => ({ path, treatment: "sent" })),
]

export const toFilterForm = ({ filter, fields, exposures }: Selection): FilterForm => ({
  categories: filter.categories,
  newCustomEvents: filter.newCustomEvents,
  customEvents: filter.customEvents,
  include: toLine(filter.include),
  exclude: toLine(filter.exclude),
  where: toForm(filter.where),
  sample: toPercent(filter.sample),
  fields: rowsOf(fields),
  keep: fields.keep === null ? null : toLine(fields.keep),
  exposures,
})

export interface Mistake {
  /** As the API names it: `filter.where`. */
  readonly path: string
  readonly message: string
}

export type FromFilterForm =
  | { readonly ok: true; readonly selection: Selection }
  | { readonly ok: false; readonly mistakes: ReadonlyArray<Mistake> }

const pathsOf = (rows: ReadonlyArray<FieldRow>, treatment: Treatment): ReadonlyArray<string> =>
  rows.filter((row) => row.treatment === treatment && row.path !== "").map(({ path }) => path)

/** The selection, or what only the page can say of it: the rest is for the server to judge. */
export const fromFilterForm = (form: FilterForm): FromFilterForm => {
  const where = fromForm(form.where)
  const sample = fromPercent(form.sample)
  const mistakes: Array<Mistake> = []
  if (!where.ok) mistakes.push({ path: "filter.where", message: where.message })
  if (sample === null) mistakes.push({ path: "filter.sample", message: "expected 0 to 100" })
  if (!where.ok || sample === null) return { ok: false, mistakes }
  const include = textsOf(form.include)
  return {
    ok: true,
    selection: {
      filter: {
        categories: form.categories,
        newCustomEvents: form.newCustomEvents,
        customEvents: form.customEvents,
        include,
        exclude: textsOf(form.exclude),
        where: where.where,
        sample,
      },
      fields: {
        drop: pathsOf(form.fields, "dropped"),
        keep: form.keep === null ? null : textsOf(form.keep),
        hash: pathsOf(form.fields, "hashed"),
      },
      exposures: form.exposures,
    },
  }
}

/** Keys in one order, so that two of the same content are the same text. */
const canonical = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(canonical)
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, canonical(inner)])
}

export const sameSelection = (a: Selection, b: Selection): boolean =>
  JSON.stringify(canonical(a)) === JSON.stringify(canonical(b))

/**
 * Whether it would save something else than what is there. What cannot be read is something else.
 */
export const isDirty = (form: FilterForm, saved: Selection): boolean => {
  const made = fromFilterForm(form)
  return !made.ok || !sameSelection(made.selection, saved)
}

/** Whether a custom event of this name is ticked, by a switch of its own or by default. */
export const isTicked = (form: FilterForm, eventName: string): boolean =>
  Object.hasOwn(form.customEvents, eventName) ? form.customEvents[eventName]! : form.newCustomEvents

export const isByDefault = (form: FilterForm, eventName: string): boolean =>
  !Object.hasOwn(form.customEvents, eventName)

/**
 * Ticks names, or unticks them. A name that had no switch of its own, and is back to what it was,
 * has none again: then nothing is left to save.
 */
export const tick = (
  form: FilterForm,
  saved: Selection,
  names: ReadonlyArray<string>,
  isOn: boolean,
): FilterForm => {
  const isDefault = isOn === form.newCustomEvents && form.newCustomEvents === saved.filter.newCustomEvents
  const named = new Set(names)
  const kept = Object.entries(form.customEvents).filter(([name]) => !named.has(name))
  const set = names.filter((name) => !isDefault || Object.hasOwn(saved.filter.customEvents, name))
  return {
    ...form,
    customEvents: Object.fromEntries([...kept, ...set.map((name): [string, boolean] => [name, isOn])]),
  }
}

/** What the check-box above the names shows. */
export const tickedOf = (form: FilterForm, names: ReadonlyArray<string>): "all" | "some" | "none" => {
  const ticked = names.filter((name) => isTicked(form, name)).length
  if (ticked === 0) return "none"
  return ticked === names.length ? "all" : "some"
}

/** The state beside the buttons. */
export const standing = (options: {
  readonly isDirty: boolean
  readonly isConfigured: boolean
  readonly id: string
  readonly waiting: number
  readonly count: (value: number) => string
}): string => {
  const { waiting, count } = options
  if (options.isDirty && !options.isConfigured) {
    const those = waiting > 0 ? `the ${count(waiting)} events that wait, and ` : ""
    return `Not saved. Applies to ${those}what comes.`
  }
  return options.isConfigured
    ? `${options.id} stands in the configuration: try it here, then copy the JSON there.`
    : ""
}

/** The selection in a configuration as the API gives it: with every default spelled out. */
export const selectionIn = (config: unknown): Selection => {
  const { filter, fields, exposures } = config as Selection
  return { filter, fields, exposures }
}

/** What a destination gets that nobody has given a filter. */
export const byDefault: Selection = {
  filter: {
    categories: { exposures: true, config_changes: true, custom: true, auto_capture: true, internal: false },
    newCustomEvents: true,
    customEvents: {},
    include: ["*"],
    exclude: [],
    where: null,
    sample: 1,
  },
  fields: { drop: [], keep: null, hash: [] },
  exposures: "statsigMetadata",
}
