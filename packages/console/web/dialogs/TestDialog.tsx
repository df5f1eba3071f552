import { useEffect, useState } from "preact/hooks"
import { call } from "../api/call.ts"
import { Button } from "../parts/Button.tsx"
import { CloseButton } from "../parts/Buttons.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Refused } from "../parts/Refused.tsx"
import { useAct } from "../parts/useAct.ts"
import { Sending, type TestDelivery, TestReply } from "./TestReply.tsx"

interface TestDialogProps {
  readonly id: string
  readonly onClose: () => void
}

/** Sends one event past the queue, and shows the reply. */
export const TestDialog = ({ id, onClose }: TestDialogProps) => {
  const { isBusy, failure, act } = useAct()
  const [delivery, show] = useState<TestDelivery | null>(null)
  const send = () => act(() => call("destinations/test", { id }), show)
  useEffect(send, [id])
  return (
    <Dialog
      title="Send test event"
      subtitle={id}
      size="medium"
      onClose={onClose}
      actions={
        <>
          <Button changes icon="again" off={isBusy ? "One is under way." : null} onClick={send}>
            Send another
          </Button>
          <CloseButton onClose={onClose} />
        </>
      }
    >
      <p>One event, signed, past the filter and the queue. It counts nowhere.</p>
      {isBusy ? <Sending /> : delivery !== null && failure === null && <TestReply delivery={delivery} />}
      <Refused failure={failure} />
    </Dialog>
  )
}
