import type { Cause } from "../../api/rows.ts"
import { type Chosen, choiceOf, chooseCause, intake, keyOf } from "../../logic/letters.ts"
import { Button } from "../../parts/Button.tsx"
import { Icon } from "../../parts/Icon.tsx"
import { Time } from "../../parts/Time.tsx"
import { TriCheck } from "../../parts/TriCheck.tsx"
import { useId } from "../../parts/useId.ts"
import { now } from "../../state/clock.ts"
import { shown } from "../../text/escape.ts"
import { count } from "../../text/numbers.ts"
import { when } from "../../text/times.ts"
import { deadReasons } from "../../text/words.ts"
import { askReplay } from "./act.tsx"
import { Letters } from "./Letters.tsx"

interface CauseGroupProps {
  readonly cause: Cause
  readonly isOpen: boolean
  readonly onFlip: () => void
  readonly chosen: Chosen
  readonly onChoose: (chosen: Chosen) => void
  readonly onDone: () => void
}

/** One cause: how many, whose, why, since when; its letters when it is opened. */
export const CauseGroup = ({ cause, isOpen, onFlip, chosen, onChoose, onDone }: CauseGroupProps) => {
  const id = useId()
  const { destination, reason, pattern, first, last, replayed } = cause
  const isOfIntake = destination === intake
  const of = chosen.get(keyOf(cause))
  const left = cause.count - replayed
  return (
    <div
      class={`cause${isOpen ? " is-open" : ""}`}
      role="group"
      aria-label={`${isOfIntake ? "" : `${destination}: `}${deadReasons[reason]}`}
    >
      <div class="cause-head">
        <TriCheck
          label={`Choose all ${count(cause.count)} of this cause`}
          state={of === undefined ? "none" : of === "all" ? "all" : "some"}
          onFlip={(isOn) => onChoose(chooseCause(chosen, cause, isOn))}
        />
        <button
          type="button"
          class="cause-open"
          data-row
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={onFlip}
        >
          <span class="cause-count">{count(cause.count)}</span>
          <span class="cause-text">
            <b>
              {isOfIntake ? (
                deadReasons[reason]
              ) : (
                <>
                  {destination}
                  <span class="ink-3"> · {deadReasons[reason]}</span>
                </>
              )}
            </b>
            <code>{shown(pattern)}</code>
            {replayed > 0 && <small>{count(replayed)} of them replayed and taken</small>}
          </span>
          <span class="cause-when">
            <Time at={last} />
            <small>since {when(first, now.value)}</small>
          </span>
          <Icon name="down" />
        </button>
        <span class="cause-act">
          {!isOfIntake && (
            <Button
              small
              changes
              off={left === 0 ? "All of them have been replayed." : null}
              aria-label={`Replay ${count(left)} to ${destination}`}
              onClick={() =>
                askReplay({ choices: [choiceOf(cause)], number: left, place: destination, done: onDone })
              }
            >
              Replay
            </Button>
          )}
        </span>
      </div>
      <div class="letters" id={id} hidden={!isOpen}>
        {isOpen && <Letters cause={cause} chosen={chosen} onChoose={onChoose} />}
      </div>
    </div>
  )
}
