import { useState } from "preact/hooks"
import type { NameRow } from "../../api/rows.ts"
import type { Category, FilterForm, Mistake, Selection } from "../../logic/filterForm.ts"
import { fromPercent } from "../../logic/percentText.ts"
import { saidOf } from "../../logic/problems.ts"
import { Field, Said } from "../../parts/Field.tsx"
import { TextInput } from "../../parts/TextInput.tsx"
import { Choice } from "./Choice.tsx"
import { CustomEvents } from "./CustomEvents.tsx"
import { FieldRules } from "./FieldRules.tsx"
import { WhereRules } from "./WhereRules.tsx"

export interface FormProps {
  readonly form: FilterForm
  readonly saved: Selection
  readonly names: ReadonlyArray<NameRow>
  readonly mistakes: ReadonlyArray<Mistake>
  readonly onChange: (form: FilterForm) => void
}

/** Statsig's own words. */
const statsigs = [
  [
    "exposures",
    "Exposures",
    "Events fired when a user is exposed to a gate (statsig::gate_exposure), experiment (statsig::experiment_exposure) or dynamic config (statsig::config_exposure).",
  ],
  [
    "config_changes",
    "Configuration Changes",
    "Events fired when an experiment is changed via the Statsig console. This comes in the form statsig::config_change",
  ],
] as const

const ours = [
  ["auto_capture", "Auto capture", "auto_capture::*, what the web SDK records by itself."],
  ["internal", "Internal", "What SDKs say about themselves: diagnostics, session recordings."],
] as const

const Categories = ({
  form,
  onChange,
  of,
}: Pick<FormProps, "form" | "onChange"> & {
  readonly of: ReadonlyArray<readonly [Category, string, string]>
}) => (
  <>
    {of.map(([id, title, text]) => (
      <Choice
        key={id}
        title={title}
        text={text}
        isOn={form.categories[id]}
        onFlip={(isOn) => onChange({ ...form, categories: { ...form.categories, [id]: isOn } })}
      />
    ))}
  </>
)

const Sample = ({ form, mistakes, onChange }: Pick<FormProps, "form" | "mistakes" | "onChange">) => (
  <div class="field">
    <label for="sample">Sample</label>
    <div class="line">
      <TextInput
        type="range"
        min={0}
        max={100}
        value={String((fromPercent(form.sample) ?? 0) * 100)}
        aria-label="Sample, in percent of users"
        onText={(sample) => onChange({ ...form, sample })}
      />
      <TextInput
        id="sample"
        class="is-few"
        inputmode="decimal"
        value={form.sample}
        aria-describedby="sample-says"
        onText={(sample) => onChange({ ...form, sample })}
      />
      <span>% of users</span>
    </div>
    <Said id="sample-says" mistake={saidOf(mistakes, "filter.sample")}>
      The same users at every destination.
    </Said>
  </div>
)

const MoreRules = ({ form, mistakes, onChange }: FormProps) => (
  <div class="more-body">
    <div class="choices">
      <Categories form={form} onChange={onChange} of={ours} />
    </div>
    <h3>Only events where</h3>
    <WhereRules where={form.where} mistakes={mistakes} onChange={(where) => onChange({ ...form, where })} />
    <div class="fields">
      <Field label="Names, with * and ?" mistake={saidOf(mistakes, "filter.include")}>
        <TextInput value={form.include} onText={(include) => onChange({ ...form, include })} />
      </Field>
      <Field label="But not" mistake={saidOf(mistakes, "filter.exclude")}>
        <TextInput
          value={form.exclude}
          placeholder="debug_*"
          onText={(exclude) => onChange({ ...form, exclude })}
        />
      </Field>
    </div>
    <Sample form={form} mistakes={mistakes} onChange={onChange} />
    <h3>Fields</h3>
    <FieldRules form={form} mistakes={mistakes} onChange={onChange} />
  </div>
)

/** Whether there is something below "More rules" that nobody should overlook. */
const hasMore = ({ where, include, exclude, sample, keep, fields, categories }: FilterForm): boolean =>
  where.kind === "json" ||
  where.rows.length > 0 ||
  include !== "*" ||
  exclude !== "" ||
  sample !== "100" ||
  keep !== null ||
  !categories.auto_capture ||
  categories.internal ||
  fields.some(({ treatment }) => treatment !== "sent")

/** Statsig's dialog, word for word, and below it what it does not have. */
export const FilterFormView = (props: FormProps) => {
  const { form, onChange } = props
  const [isOpen, open] = useState(() => hasMore(form))
  return (
    <div class="filter-form">
      <Categories form={form} onChange={onChange} of={statsigs} />
      <CustomEvents {...props} />
      <details
        class="more"
        open={isOpen || props.mistakes.length > 0}
        onToggle={(event) => open(event.currentTarget.open)}
      >
        <summary>More rules</summary>
        <MoreRules {...props} />
      </details>
    </div>
  )
}
