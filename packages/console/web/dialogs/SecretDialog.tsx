import { useState } from "preact/hooks"
import { call } from "../api/call.ts"
import { Button } from "../parts/Button.tsx"
import { CancelOr } from "../parts/Buttons.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Refused } from "../parts/Refused.tsx"
import { ShownOnce } from "../parts/ShownOnce.tsx"
import { useAct } from "../parts/useAct.ts"

interface SecretDialogProps {
  readonly id: string
  readonly onDone: () => void
  readonly onClose: () => void
}

/** Makes a signing secret, and shows it this once. */
export const SecretDialog = ({ id, onDone, onClose }: SecretDialogProps) => {
  const { isBusy, failure, act } = useAct()
  const [secret, show] = useState<string | null>(null)
  const make = () =>
    act(
      () => call("secrets/create", { id }),
      (created) => {
        show(created.secret)
        onDone()
      },
    )
  return (
    <Dialog
      title="New signing secret"
      subtitle={id}
      size="medium"
      onClose={onClose}
      actions={
        secret === null ? (
          <CancelOr off={isBusy ? "It is being made." : null} onCancel={onClose} onClick={make}>
            Make a new secret
          </CancelOr>
        ) : (
          <Button kind="main" onClick={onClose}>
            I have copied it
          </Button>
        )
      }
    >
      {secret === null ? (
        <p>
          From then on each request is signed with the new one, too. A receiver goes on taking the old one
          until you retire it.
        </p>
      ) : (
        <ShownOnce title="Shown this once" secret={secret} label="Copy the secret">
          Copy it into the receiver now. Each request is signed with both from now on; retire the old one when
          the receiver has this one.
        </ShownOnce>
      )}
      <Refused failure={failure} />
    </Dialog>
  )
}
