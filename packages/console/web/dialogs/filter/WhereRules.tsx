import type { Mistake } from "../../logic/filterForm.ts"
import { saidOf, saidOfRow } from "../../logic/problems.ts"
import {
  asJson,
  type Comparison,
  comparisons,
  fromForm,
  newRow,
  type Row,
  toForm,
  type WhereForm,
} from "../../logic/whereRows.ts"
import { Button, IconButton } from "../../parts/Button.tsx"
import { Said } from "../../parts/Field.tsx"
import { TextInput } from "../../parts/TextInput.tsx"

interface WhereRulesProps {
  readonly where: WhereForm
  readonly mistakes: ReadonlyArray<Mistake>
  readonly onChange: (where: WhereForm) => void
}

const words = Object.entries(comparisons) as ReadonlyArray<[Comparison, string]>

/** Fields that many rules are about, to choose from; any other can be written. */
const suggested = [
  "eventName",
  "userID",
  "value",
  "user.country",
  "user.email",
  "user.appVersion",
  "user.custom.",
  "metadata.",
  "statsigMetadata.sdkType",
]

const takesNothing = (comparison: Comparison): boolean => comparison === "exists" || comparison === "missing"

interface RuleProps {
  readonly row: Row
  readonly at: number
  readonly mistake: string | null
  readonly onChange: (row: Row) => void
  readonly onRemove: () => void
}

const Rule = ({ row, at, mistake, onChange, onRemove }: RuleProps) => (
  <>
    <div class="rule">
      <span class="rule-and">{at === 0 ? "where" : "and"}</span>
      <TextInput
        value={row.field}
        aria-label={`Field of rule ${at + 1}`}
        aria-invalid={mistake !== null}
        list="rule-fields"
        onText={(field) => onChange({ ...row, field })}
      />
      <select
        aria-label={`Comparison of rule ${at + 1}`}
        value={row.comparison}
        onChange={(event) => onChange({ ...row, comparison: event.currentTarget.value as Comparison })}
      >
        {words.map(([id, text]) => (
          <option key={id} value={id}>
            {text}
          </option>
        ))}
      </select>
      {takesNothing(row.comparison) ? (
        <span />
      ) : (
        <TextInput
          value={row.value}
          aria-label={`Value of rule ${at + 1}`}
          onText={(value) => onChange({ ...row, value })}
        />
      )}
      <IconButton label={`Remove rule ${at + 1}`} icon="close" onClick={onRemove} />
    </div>
    <Said mistake={mistake} />
  </>
)

/** Rows that must all hold, or JSON for what is more than that. */
export const WhereRules = ({ where, mistakes, onChange }: WhereRulesProps) => {
  const made = fromForm(where)
  if (where.kind === "json") {
    const asRows = made.ok ? toForm(made.where) : where
    return (
      <div class="rules">
        <textarea
          rows={6}
          value={where.text}
          aria-label="The rule over fields, as JSON"
          aria-invalid={saidOf(mistakes, "filter.where") !== null}
          spellcheck={false}
          placeholder='{"any": [{"field": "user.country", "eq": "DE"}, {"not": {"field": "value", "lt": 5}}]}'
          onInput={(event) => onChange({ kind: "json", text: event.currentTarget.value })}
        />
        <Said mistake={saidOf(mistakes, "filter.where")} />
        <div class="line">
          <Button
            small
            off={asRows.kind === "rows" ? null : "Rows can only say rules that must all hold."}
            onClick={() => onChange(asRows)}
          >
            As rows
          </Button>
        </div>
      </div>
    )
  }
  const { rows } = where
  const put = (next: ReadonlyArray<Row>) => onChange({ ...where, rows: next })
  return (
    <div class="rules">
      {rows.map((row, at) => (
        <Rule
          // Rows have no name: their place is all they are known by.
          key={at}
          row={row}
          at={at}
          mistake={saidOfRow(mistakes, at, where.isAlone && rows.length === 1)}
          onChange={(changed) => put(rows.map((one, index) => (index === at ? changed : one)))}
          onRemove={() => put(rows.filter((_, index) => index !== at))}
        />
      ))}
      <datalist id="rule-fields">
        {suggested.map((field) => (
          <option key={field} value={field} />
        ))}
      </datalist>
      <div class="line">
        <Button small icon="plus" onClick={() => put([...rows, newRow])}>
          Add a rule
        </Button>
        <button
          type="button"
          class="link quiet"
          onClick={() => onChange(asJson(made.ok ? made.where : null))}
        >
          as JSON, with any and not
        </button>
      </div>
    </div>
  )
}
