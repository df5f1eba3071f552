import { useState } from "preact/hooks"
import { call } from "../api/call.ts"
import { Button } from "../parts/Button.tsx"
import { CancelOr } from "../parts/Buttons.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { Radios } from "../parts/Radios.tsx"
import { Refused } from "../parts/Refused.tsx"
import { ShownOnce } from "../parts/ShownOnce.tsx"
import { TextInput } from "../parts/TextInput.tsx"
import { useAct } from "../parts/useAct.ts"
import { shown } from "../text/escape.ts"

interface KeyDialogProps {
  readonly onDone: () => void
  readonly onClose: () => void
}

const kinds = [
  ["client", "Client", "may log events; may stand in a page or an app"],
  ["server", "Server", "may do everything, the event webhook too; stays on servers"],
] as const

type Kind = (typeof kinds)[number][0]

/** Makes a key, and shows it this once. */
export const KeyDialog = ({ onDone, onClose }: KeyDialogProps) => {
  const { isBusy, failure, act } = useAct()
  const [name, setName] = useState("")
  const [kind, setKind] = useState<Kind>("client")
  const [key, show] = useState<string | null>(null)
  const create = () =>
    act(
      () => call("keys/create", { name: name.trim(), kind }),
      (created) => {
        show(created.key)
        onDone()
      },
    )
  if (key !== null) {
    return (
      <Dialog
        key="made"
        title="Your new key"
        subtitle={`${kind} key, ${shown(name)}`}
        size="medium"
        onClose={onClose}
        actions={
          <Button kind="main" onClick={onClose}>
            I have copied it
          </Button>
        }
      >
        <ShownOnce title="Shown this once" secret={key} label="Copy the key">
          Only its hash is kept. Copy it now.
        </ShownOnce>
      </Dialog>
    )
  }
  const why = name.trim() === "" ? "It needs a name." : isBusy ? "It is being made." : null
  return (
    <Dialog
      key="form"
      title="Create a key"
      size="medium"
      onClose={onClose}
      actions={
        <CancelOr off={why} onCancel={onClose} onClick={create}>
          Create
        </CancelOr>
      }
    >
      <div class="form">
        <Field
          label="Name"
          id="key-says"
          hint="Who will send with it. Shown in the live view beside each event."
        >
          <TextInput value={name} placeholder="web shop" aria-describedby="key-says" onText={setName} />
        </Field>
        <Radios legend="Kind" name="kind" options={kinds} value={kind} onPick={setKind} />
        <Refused failure={failure} />
      </div>
    </Dialog>
  )
}
