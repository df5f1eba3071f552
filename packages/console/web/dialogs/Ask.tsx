import type { ComponentChildren } from "preact"
import type { Failure, Reply } from "../api/failure.ts"
import { CancelOr, CloseButton } from "../parts/Buttons.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Refused } from "../parts/Refused.tsx"
import { useAct } from "../parts/useAct.ts"
import { openDialog } from "../state/dialogs.ts"
import { say } from "../state/messages.ts"

export interface Question<A> {
  readonly title: string
  /** What happens, how often and to whom. */
  readonly sure: ComponentChildren
  /** With its number: "Purge 198". */
  readonly verb: string
  readonly danger?: boolean
  readonly run: () => Promise<Reply<A>>
  /** What is said when it is done. */
  readonly done: (value: A) => string
}

const Asking = <A,>({ question, close }: { readonly question: Question<A>; readonly close: () => void }) => {
  const { isBusy, failure, act } = useAct()
  const { title, sure, verb, danger = false, run, done } = question
  const yes = () =>
    act(run, (value) => {
      close()
      say(done(value))
    })
  return (
    <Dialog
      title={title}
      size="small"
      onClose={close}
      actions={
        <CancelOr
          kind={danger ? "danger" : "main"}
          off={isBusy ? "It is being done." : null}
          onCancel={close}
          onClick={yes}
        >
          {verb}
        </CancelOr>
      }
    >
      <div class="prose">{sure}</div>
      <Refused failure={failure} />
    </Dialog>
  )
}

/** Asks before something is done. It stays open until it is done, and says why when it is not. */
export const ask = <A,>(question: Question<A>): void =>
  openDialog((close) => <Asking question={question} close={close} />)

interface FailedProps {
  readonly title: string
  readonly failure: Failure
  readonly close: () => void
}

const Failed = ({ title, failure, close }: FailedProps) => (
  <Dialog title={title} size="small" onClose={close} actions={<CloseButton onClose={close} />}>
    <Refused failure={failure} />
  </Dialog>
)

/** For what was asked of a menu, which is gone by then. */
const showFailure = (title: string, failure: Failure): void =>
  openDialog((close) => <Failed title={title} failure={failure} close={close} />)

/** Does something that needs no question; when it fails, a dialog says so. */
export const doNow = async <A,>(title: string, run: () => Promise<Reply<A>>, done: string): Promise<void> => {
  const reply = await run()
  if (reply.ok) say(done)
  else showFailure(title, reply.failure)
}
