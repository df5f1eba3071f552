import { useEffect, useState } from "preact/hooks"
import { call } from "../../api/call.ts"
import type { Failure as FailureValue } from "../../api/failure.ts"
import type { Cause, OutputOf } from "../../api/rows.ts"
import { openLetter } from "../../dialogs/open.tsx"
import {
  type Chosen,
  choiceOf,
  chooseLetter,
  intake,
  isChosen,
  keyOf,
  userOf,
  whyNot,
} from "../../logic/letters.ts"
import { Button } from "../../parts/Button.tsx"
import { CheckBox } from "../../parts/CheckBox.tsx"
import { shownAtOnce } from "../../parts/More.tsx"
import { Failure } from "../../parts/Notice.tsx"
import { Soon } from "../../parts/Soon.tsx"
import { Time } from "../../parts/Time.tsx"
import { valuesAreHidden } from "../../state/preferences.ts"
import { shown } from "../../text/escape.ts"
import { count } from "../../text/numbers.ts"

type Letter = OutputOf<"dead-letters/list">["letters"][number]

/** Letters that are shown at first: the causes below them stay in sight. */
const shownAtFirst = 8

/** Letters of one answer at most: each has its event with it. */
const pageLimit = 500

interface Found {
  readonly letters: ReadonlyArray<Letter>
  readonly after: string | null
  readonly isLoading: boolean
  readonly failure: FailureValue | null
}

const nothing: Found = { letters: [], after: null, isLoading: true, failure: null }

/** The letters of a cause, the newest first, as many as were asked for. */
const useLetters = (cause: Cause, most: number): Found & { readonly retry: () => void } => {
  const [found, show] = useState<Found>(nothing)
  const [tries, again] = useState(0)
  const key = `${keyOf(cause)} ${cause.count}`
  useEffect(() => {
    const controller = new AbortController()
    const load = async () => {
      let letters: Array<Letter> = []
      let after: string | null = null
      show((before) => ({ ...before, isLoading: true, failure: null }))
      do {
        const page: Awaited<ReturnType<typeof call<"dead-letters/list">>> = await call(
          "dead-letters/list",
          { ...choiceOf(cause), limit: pageLimit, ...(after === null ? {} : { after }) },
          controller.signal,
        )
        if (controller.signal.aborted) return
        if (!page.ok) return show((before) => ({ ...before, isLoading: false, failure: page.failure }))
        letters = [...letters, ...page.value.letters]
        after = page.value.next
        show({
          letters: letters.slice(0, most),
          after,
          isLoading: after !== null && letters.length < most,
          failure: null,
        })
      } while (after !== null && letters.length < Math.min(most, cause.count))
      show({ letters: letters.slice(0, most), after, isLoading: false, failure: null })
    }
    void load()
    return () => controller.abort()
  }, [key, most, tries])
  return { ...found, retry: () => again(tries + 1) }
}

interface LettersProps {
  readonly cause: Cause
  readonly chosen: Chosen
  readonly onChoose: (chosen: Chosen) => void
}

export const Letters = ({ cause, chosen, onChoose }: LettersProps) => {
  const [most, raise] = useState(shownAtFirst)
  const { letters, isLoading, failure, retry } = useLetters(cause, most)
  const ids = letters.map(({ eventId }) => eventId)
  if (failure !== null) return <Failure failure={failure} retry={retry} />
  if (letters.length === 0 && isLoading) return <Soon rows={4} />
  return (
    <>
      {cause.destination === intake && <p class="pad ink-3">{whyNot}</p>}
      <table class="data is-tight">
        <caption class="sr">Letters of this cause, the newest first</caption>
        <thead>
          <tr>
            <th scope="col" class="check">
              <span class="sr">Choose</span>
            </th>
            <th scope="col">Died</th>
            <th scope="col">Event</th>
            <th scope="col" class="only-mid">
              User
            </th>
            <th scope="col" class="only-wide">
              Id
            </th>
            <th scope="col" class="end">
              <span class="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {letters.map((letter) => (
            <tr key={letter.eventId}>
              <td>
                <CheckBox
                  aria-label={`Choose ${letter.eventId}`}
                  checked={isChosen(chosen, cause, letter.eventId)}
                  onFlip={(isOn) => onChoose(chooseLetter(chosen, cause, letter.eventId, isOn, ids))}
                />
              </td>
              <td>
                <Time at={letter.deadAt} />
                {letter.replayedAt !== null && <small class="ink-flow"> replayed</small>}
              </td>
              <td>
                <code>{shown(letter.eventName)}</code>
              </td>
              <td class="only-mid">{valuesAreHidden.value ? "••••••" : shown(userOf(letter.event))}</td>
              <td class="only-wide">
                <code class="ink-3">{shown(letter.eventId)}</code>
              </td>
              <td class="end">
                <Button small aria-label={`View ${letter.eventId}`} onClick={() => openLetter({ letter })}>
                  View
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {letters.length < cause.count && (
        <p class="pad ink-3">
          {count(letters.length)} of {count(cause.count)}.{" "}
          {isLoading ? (
            "Looking for more…"
          ) : letters.length >= most ? (
            <button type="button" class="link" onClick={() => raise(most + shownAtOnce)}>
              Show more
            </button>
          ) : (
            "The others are no longer kept."
          )}
        </p>
      )}
    </>
  )
}
