import { call } from "../api/call.ts"
import type { OutputOf } from "../api/rows.ts"
import { intake, whyNot } from "../logic/letters.ts"
import { Button } from "../parts/Button.tsx"
import { CloseButton } from "../parts/Buttons.tsx"
import { Mono } from "../parts/Copy.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Glyph } from "../parts/Glyph.tsx"
import { Payload } from "../parts/Pre.tsx"
import { Refused } from "../parts/Refused.tsx"
import { useAct } from "../parts/useAct.ts"
import { now } from "../state/clock.ts"
import { say } from "../state/messages.ts"
import { shown } from "../text/escape.ts"
import { when } from "../text/times.ts"
import { deadReasons } from "../text/words.ts"

export type Letter = OutputOf<"dead-letters/list">["letters"][number]

export interface LetterDialogProps {
  readonly letter: Letter
  readonly onClose: () => void
}

/** One dead letter: why it died, and what it is. */
export const LetterDialog = ({ letter, onClose }: LetterDialogProps) => {
  const { isBusy, failure, act } = useAct()
  const { destination, eventId, eventName, reason, message, deadAt, replayedAt } = letter
  const isOfIntake = destination === intake
  const replay = () =>
    act(
      () => call("dead-letters/begin-replay", { destination, eventIds: [eventId] }),
      () => {
        onClose()
        say(`Replaying 1 event to ${destination}`)
      },
    )
  return (
    <Dialog
      title={shown(eventName)}
      subtitle={`${deadReasons[reason]}, ${when(deadAt, now.peek())}`}
      size="medium"
      onClose={onClose}
      actions={
        <>
          <Mono text={eventId} />
          <span class="spacer" />
          <CloseButton onClose={onClose} />
          {!isOfIntake && (
            <Button kind="main" changes off={isBusy ? "It is being begun." : null} onClick={replay}>
              Replay
            </Button>
          )}
        </>
      }
    >
      <p class="means">
        <Glyph mark="dead" />
        <code>{shown(message)}</code>
      </p>
      {replayedAt !== null && <p>Replayed {when(replayedAt, now.peek())}: the receiver has taken it.</p>}
      <p class="ink-3">
        {isOfIntake
          ? `What arrived, without private attributes, cut at 8 KiB. ${whyNot}`
          : "The event as it is kept. A replay sends it by the field rules of today."}
      </p>
      <Payload text={letter.event} label="The event" />
      <Refused failure={failure} />
    </Dialog>
  )
}
