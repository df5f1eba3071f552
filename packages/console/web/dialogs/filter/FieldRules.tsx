import { useState } from "preact/hooks"
import type { FieldRow, FilterForm, Mistake, Treatment } from "../../logic/filterForm.ts"
import { saidOf } from "../../logic/problems.ts"
import { Button } from "../../parts/Button.tsx"
import { Field, Said } from "../../parts/Field.tsx"
import { TextInput } from "../../parts/TextInput.tsx"
import { shown } from "../../text/escape.ts"
import { Choice } from "./Choice.tsx"

interface FieldRulesProps {
  readonly form: FilterForm
  readonly mistakes: ReadonlyArray<Mistake>
  readonly onChange: (form: FilterForm) => void
}

const treatments: ReadonlyArray<Treatment> = ["sent", "dropped", "hashed"]

/** What happens to fields: sent, dropped or hashed; or only some are sent. */
export const FieldRules = ({ form, mistakes, onChange }: FieldRulesProps) => {
  const [path, write] = useState("")
  const put = (fields: ReadonlyArray<FieldRow>) => onChange({ ...form, fields })
  const add = () => {
    if (path.trim() === "") return
    put([...form.fields, { path: path.trim(), treatment: "dropped" }])
    write("")
  }
  return (
    <>
      <table class="data is-tight">
        <caption class="sr">What happens to fields</caption>
        <tbody>
          {form.fields.map((row, at) => (
            // The same path may stand here twice: the place tells the rows apart.
            <tr key={at}>
              <td>
                <code>{shown(row.path)}</code>
              </td>
              <td>
                <select
                  aria-label={`What happens to ${shown(row.path)}`}
                  value={row.treatment}
                  onChange={(event) => {
                    const treatment = event.currentTarget.value as Treatment
                    put(form.fields.map((one, index) => (index === at ? { ...one, treatment } : one)))
                  }}
                >
                  {treatments.map((one) => (
                    <option key={one}>{one}</option>
                  ))}
                </select>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Said mistake={saidOf(mistakes, "fields.drop") ?? saidOf(mistakes, "fields.hash")} />
      <div class="with-button">
        <TextInput
          value={path}
          placeholder="metadata.card"
          aria-label="Another field"
          onText={write}
          onKeyDown={(event) => event.key === "Enter" && add()}
        />
        <Button icon="plus" off={path.trim() === "" ? "Write a field first." : null} onClick={add}>
          Add a field
        </Button>
      </div>
      <Choice
        title="Only some fields"
        text="Of user, metadata and statsigMetadata nothing is sent but these."
        isOn={form.keep !== null}
        onFlip={(isOn) => onChange({ ...form, keep: isOn ? "" : null })}
      />
      {form.keep !== null && (
        <Field label="Fields that are sent" mistake={saidOf(mistakes, "fields.keep")}>
          <TextInput
            value={form.keep}
            placeholder="user.country, metadata.page"
            onText={(keep) => onChange({ ...form, keep })}
          />
        </Field>
      )}
    </>
  )
}
