import { call } from "../../api/call.ts"
import { failed, type Reply } from "../../api/failure.ts"
import type { InputOf } from "../../api/rows.ts"
import { ask } from "../../dialogs/Ask.tsx"
import { count, plural } from "../../text/numbers.ts"

type Choice = InputOf<"dead-letters/purge-chosen">

export interface Asked {
  readonly choices: ReadonlyArray<Choice>
  readonly number: number
  /** Whose letters they are. */
  readonly place: string
  readonly done: () => void
}

/** Does one choice after the other; what has failed ends it, and says how far it came. */
const inTurn = async (
  choices: ReadonlyArray<Choice>,
  run: (choice: Choice) => Promise<Reply<number>>,
): Promise<Reply<number>> => {
  let sum = 0
  for (const choice of choices) {
    const reply = await run(choice)
    if (!reply.ok) {
      const { status, message } = reply.failure
      return sum === 0
        ? reply
        : failed(status, `${message}\nBefore that it was done for ${plural(sum, "letter")}.`)
    }
    sum += reply.value
  }
  return { ok: true, value: sum }
}

const counted = <A,>(reply: Reply<A>, number: (value: A) => number): Reply<number> =>
  reply.ok ? { ok: true, value: number(reply.value) } : reply

export const askReplay = ({ choices, number, place, done }: Asked): void =>
  ask({
    title: `Replay ${plural(number, "dead letter")} to ${place}?`,
    sure: (
      <>
        <p>
          They are sent now, by the field rules of today and with the timeUUID they had, beside live traffic.
          What is delivered stays here, marked; what is refused again stays, with what was said this time.
        </p>
        <p class="ink-3">
          Has the receiver been repaired? Otherwise this stops at the first failure that is not an event's
          own.
        </p>
      </>
    ),
    verb: `Replay ${count(number)}`,
    run: () =>
      inTurn(choices, async (choice) =>
        counted(await call("dead-letters/begin-replay", choice), ({ total }) => total),
      ),
    done: (total) => {
      done()
      return `Replaying ${plural(total, "letter")} to ${place}`
    },
  })

export const askPurge = ({ choices, number, place, done }: Asked): void =>
  ask({
    title: `Purge ${plural(number, "dead letter")}?`,
    sure: (
      <p>
        <b>
          {plural(number, "event")} of {place}
        </b>{" "}
        will be removed for good, and cannot be replayed any more. The ledger goes on counting them as dead.
      </p>
    ),
    verb: `Purge ${count(number)}`,
    danger: true,
    run: () =>
      inTurn(choices, async (choice) =>
        counted(await call("dead-letters/purge-chosen", choice), ({ purged }) => purged),
      ),
    done: (purged) => {
      done()
      return `${plural(purged, "letter")} removed`
    },
  })
