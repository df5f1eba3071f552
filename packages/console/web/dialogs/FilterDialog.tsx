import { useState } from "preact/hooks"
import { call } from "../api/call.ts"
import type { Failure as FailureValue } from "../api/failure.ts"
import type { NameRow, OutputOf } from "../api/rows.ts"
import {
  type FilterForm,
  fromFilterForm,
  isDirty,
  type Selection,
  selectionIn,
  standing,
  toFilterForm,
} from "../logic/filterForm.ts"
import { inWords, mistakesOf, unplaced } from "../logic/problems.ts"
import { Button } from "../parts/Button.tsx"
import { CancelOr } from "../parts/Buttons.tsx"
import { copyText } from "../parts/copyText.ts"
import { Dialog } from "../parts/Dialog.tsx"
import type { IconName } from "../parts/Icon.tsx"
import { useResource } from "../parts/Load.tsx"
import { Failure, Notice, Skeleton } from "../parts/Notice.tsx"
import { Refused } from "../parts/Refused.tsx"
import { useAct } from "../parts/useAct.ts"
import { say } from "../state/messages.ts"
import { status } from "../state/status.ts"
import { shown } from "../text/escape.ts"
import { count } from "../text/numbers.ts"
import { DryRunPanel } from "./filter/DryRunPanel.tsx"
import { FilterFormView } from "./filter/FilterForm.tsx"
import { useDryRun } from "./filter/useDryRun.ts"

type Detail = OutputOf<"destinations/get">

/** Names in the table: those of the last day with the most events. */
const mostNames = 1_000

const useNames = () => useResource("names/list", { limit: mostNames })

/** Where a mistake has a place in the form. */
const placed = [
  "filter.where",
  "filter.sample",
  "filter.include",
  "filter.exclude",
  "fields.drop",
  "fields.hash",
  "fields.keep",
]

interface EditingProps {
  readonly subtitle: string
  readonly saved: Selection
  readonly names: ReadonlyArray<NameRow>
  /** What the footer says of a form in this state. */
  readonly says: (isDirty: boolean) => string
  readonly refused: { readonly status: number; readonly message: string } | null
  readonly notice?: preact.ComponentChild
  readonly verb: string
  readonly icon?: IconName
  /** It changes something at the server. */
  readonly changes: boolean
  /** Why a selection without a mistake cannot be taken; `null` when it can. */
  readonly off?: (isDirty: boolean) => string | null
  readonly onTake: (selection: Selection) => void
  readonly form: FilterForm
  readonly onChange: (form: FilterForm) => void
  readonly onClose: () => void
}

const Editing = (props: EditingProps) => {
  const {
    subtitle,
    saved,
    names,
    says,
    refused,
    notice,
    verb,
    off,
    onTake,
    form,
    onChange,
    onClose,
    ...rest
  } = props
  const made = fromFilterForm(form)
  const trial = useDryRun(made, saved)
  const dirty = isDirty(form, saved)
  const ofSave = refused?.status === 400 ? mistakesOf(refused.message) : []
  const mistakes = ofSave.length > 0 ? ofSave : trial.mistakes
  const elsewhere = unplaced(mistakes, placed)
  return (
    <Dialog
      title="Event Filtering"
      subtitle={subtitle}
      size="wide"
      onClose={onClose}
      actions={
        <>
          <span class="ink-3" role="status">
            {says(dirty)}
          </span>
          <span class="spacer" />
          <CancelOr
            {...rest}
            off={made.ok ? off?.(dirty) : "The filter has a mistake."}
            onCancel={onClose}
            onClick={() => made.ok && onTake(made.selection)}
          >
            {verb}
          </CancelOr>
        </>
      }
    >
      {notice}
      {elsewhere.length > 0 && (
        <Notice tone="dead" title="This filter has a mistake.">
          {elsewhere.map((mistake) => shown(inWords(mistake))).join(" ")}
        </Notice>
      )}
      {refused !== null && ofSave.length === 0 && <Refused failure={refused} />}
      <div class="filtering">
        <FilterFormView form={form} saved={saved} names={names} mistakes={mistakes} onChange={onChange} />
        <DryRunPanel trial={trial} />
      </div>
    </Dialog>
  )
}

interface OfDestinationProps {
  readonly detail: Detail
  /** Why the names of the last day are not known. */
  readonly unnamed: FailureValue | null
  readonly names: ReadonlyArray<NameRow>
  readonly onClose: () => void
}

/**
 * Saves with what it was made from; somebody else's change meanwhile is told, and overwrites
 * nothing.
 */
const OfDestination = ({ detail, names, unnamed, onClose }: OfDestinationProps) => {
  const [base, rebase] = useState(detail)
  const [theirs, meet] = useState<Detail | null>(null)
  const [form, change] = useState(() => toFilterForm(selectionIn(detail.config)))
  const { isBusy, failure, act } = useAct()
  const { id } = detail
  const isConfigured = base.origin === "configured"
  const saved = selectionIn(base.config)
  const waiting = status.value?.destinations.find((row) => row.id === id)?.pending ?? 0

  const save = (selection: Selection) =>
    act(
      async () => {
        const { filter, fields } = selection
        const reply = await call("destinations/change", {
          id,
          changes: { filter, fields },
          expected: base.revision,
        })
        if (reply.ok || reply.failure.status !== 409) return reply
        const now = await call("destinations/get", { id })
        if (now.ok && now.value.revision !== base.revision) meet(now.value)
        return reply
      },
      () => {
        onClose()
        say(`Saved: ${id} gets what passes from its place on`)
      },
    )

  const copy = ({ filter, fields }: Selection) => void copyText(JSON.stringify({ filter, fields }, null, 2))

  const saveOff = (dirty: boolean) => {
    if (theirs !== null) return "Choose first whose change stays."
    if (isBusy) return "It is being saved."
    return dirty ? null : "Nothing is changed."
  }

  /** Goes on from what is there now: with the own input, or without. */
  const settle = (keepMine: boolean) => {
    rebase(theirs!)
    if (!keepMine) change(toFilterForm(selectionIn(theirs!.config)))
    meet(null)
  }
  const conflict = theirs !== null && (
    <Notice
      tone="wait"
      title="Somebody else has changed it meanwhile."
      actions={
        <>
          <Button small onClick={() => settle(false)}>
            Take theirs
          </Button>
          <Button small onClick={() => settle(true)}>
            Keep mine
          </Button>
        </>
      }
    >
      Nothing of yours is lost, and nothing is saved. What you keep is compared with theirs from then on.
    </Notice>
  )
  return (
    <Editing
      subtitle={`Webhook: ${id}`}
      saved={saved}
      names={names}
      form={form}
      onChange={change}
      onClose={onClose}
      notice={
        <>
          {conflict}
          {unnamed !== null && (
            <Notice tone="wait" title="The names of the last day could not be loaded.">
              {shown(unnamed.message)}
            </Notice>
          )}
        </>
      }
      refused={theirs === null && (failure?.status !== 409 || isConfigured) ? failure : null}
      says={(dirty) => standing({ isDirty: dirty, isConfigured, id, waiting, count })}
      {...(isConfigured
        ? { verb: "Copy as JSON", icon: "copy", changes: false, onTake: copy }
        : { verb: "Save", changes: true, off: saveOff, onTake: save })}
    />
  )
}

interface FilterDialogProps {
  readonly id: string
  readonly onClose: () => void
}

/**
 * Event Filtering of a destination: the form, and beside it what it would do to the last events.
 */
export const FilterDialog = ({ id, onClose }: FilterDialogProps) => {
  const detail = useResource("destinations/get", { id })
  const names = useNames()
  const value = detail.value.value
  const failure = detail.failure.value
  // Without the names of the last day everything else can be chosen all the same.
  const list = names.value.value?.names ?? (names.failure.value === null ? undefined : [])
  if (value !== null && list !== undefined)
    return <OfDestination detail={value} names={list} unnamed={names.failure.value} onClose={onClose} />
  // Mostly it is there at once: then no empty dialog comes before it.
  if (failure === null && !detail.isSlow.value && !names.isSlow.value) return null
  return (
    <Dialog
      title="Event Filtering"
      subtitle={`Webhook: ${id}`}
      size="wide"
      onClose={onClose}
      actions={<Button onClick={onClose}>Cancel</Button>}
    >
      {failure === null ? <Skeleton rows={12} /> : <Failure failure={failure} retry={detail.reload} />}
    </Dialog>
  )
}

interface DraftProps {
  readonly saved: Selection
  readonly onSave: (selection: Selection) => void
  readonly onClose: () => void
}

/** The same for a destination that is not there yet. */
export const DraftFilterDialog = ({ saved, onSave, onClose }: DraftProps) => {
  const names = useNames()
  const [form, change] = useState(() => toFilterForm(saved))
  return (
    <Editing
      subtitle="Generic Webhook"
      saved={saved}
      names={names.value.value?.names ?? []}
      form={form}
      onChange={change}
      onClose={onClose}
      refused={null}
      says={() => "Saved with the webhook, once it is enabled."}
      verb="Save"
      changes={false}
      onTake={(selection) => {
        onSave(selection)
        onClose()
      }}
    />
  )
}
