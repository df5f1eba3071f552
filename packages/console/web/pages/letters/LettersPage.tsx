import { useEffect, useState } from "preact/hooks"
import type { Cause } from "../../api/rows.ts"
import {
  type Chosen,
  choicesOf,
  countOf,
  destinationsOf,
  intake,
  inWords,
  keyOf,
  none,
  whyNot,
} from "../../logic/letters.ts"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { Load, useResource } from "../../parts/Load.tsx"
import { More, shownAtOnce } from "../../parts/More.tsx"
import { Empty } from "../../parts/Notice.tsx"
import { Page, PageHead } from "../../parts/Page.tsx"
import { narrow, route } from "../../state/route.ts"
import { status } from "../../state/status.ts"
import { count, plural } from "../../text/numbers.ts"
import { askPurge, askReplay } from "./act.tsx"
import { CauseGroup } from "./CauseGroup.tsx"
import { Jobs } from "./Jobs.tsx"

const Destination = ({ only }: { readonly only: string | null }) => {
  const counts = status.value?.deadLetters ?? {}
  const others = Object.keys(counts).filter((id) => id !== intake && (counts[id]! > 0 || id === only))
  return (
    <label class="inline">
      <span>Destination</span>
      <select value={only ?? ""} onChange={(event) => narrow({ destination: event.currentTarget.value })}>
        <option value="">All</option>
        <option value={intake}>intake: rejected on arrival</option>
        {[...new Set([...others, ...(only === null || only === intake ? [] : [only])])].sort().map((id) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
    </label>
  )
}

interface BarProps {
  readonly chosen: Chosen
  readonly causes: ReadonlyArray<Cause>
  readonly onNone: () => void
  readonly onDone: () => void
}

/** What is chosen, of whom, and what can be done with just that. */
const ChoiceBar = ({ chosen, causes, onNone, onDone }: BarProps) => {
  const number = countOf(chosen, causes)
  const destinations = destinationsOf(chosen, causes)
  const choices = choicesOf(chosen, causes)
  const place = inWords(destinations)
  return (
    <div class={`choice-bar${number > 0 ? " is-shown" : ""}`} role="status">
      {number > 0 && (
        <>
          <b>{plural(number, "letter")}</b>
          <span>of {place}</span>
          <span class="spacer" />
          <Button
            kind="main"
            icon="again"
            changes
            off={destinations.includes(intake) ? whyNot : null}
            onClick={() => askReplay({ choices, number, place, done: onDone })}
          >
            Replay {count(number)}
          </Button>
          <Button kind="danger" changes onClick={() => askPurge({ choices, number, place, done: onDone })}>
            Purge {count(number)}
          </Button>
          <Button onClick={onNone}>None</Button>
        </>
      )}
    </div>
  )
}

/** Dead letters by cause: a hundred of them are seldom a hundred problems. */
export const LettersPage = () => {
  const only = route.value.query.get("destination")
  const causes = useResource("dead-letters/causes", only === null ? {} : { destination: only })
  const [chosen, choose] = useState<Chosen>(none)
  const [most, show] = useState(shownAtOnce)
  const [opened, open] = useState<ReadonlySet<string> | null>(null)
  // What has died meanwhile, or was replayed to its end, is another list.
  const counts = JSON.stringify(status.value?.deadLetters ?? {})
  const ended = status.value?.jobs.filter(
    ({ kind, endedAt }) => kind === "letters" && endedAt !== null,
  ).length
  useEffect(() => causes.reload(), [counts, ended])
  useEffect(() => choose(none), [only])

  const done = () => {
    choose(none)
    causes.reload()
  }
  return (
    <Page title="Dead letters">
      <PageHead title="Dead letters">
        <Destination only={only} />
      </PageHead>
      <Jobs isMeant={(job) => job.kind === "letters" && (only === null || job.destination === only)} />
      <Load of={causes} rows={10}>
        {({ causes: list, looked, isAll }) => {
          if (list.length === 0) {
            return (
              <Empty title={only === null ? "No dead letters." : `No dead letters of ${inWords([only])}.`}>
                An event that is refused for good, on arrival or by a destination, is kept here for 30 days,
                with the reason, and can be sent again.
              </Empty>
            )
          }
          const total = list.reduce((sum, cause) => sum + cause.count, 0)
          const first = keyOf(list[0]!)
          const isOpen = (key: string) => (opened === null ? key === first : opened.has(key))
          const flip = (key: string) => {
            const next = new Set(opened ?? [first])
            if (!next.delete(key)) next.add(key)
            open(next)
          }
          return (
            <>
              <p class="lead">
                {plural(total, "event")} for {plural(list.length, "cause")}.{" "}
                <span class="ink-3">
                  {isAll ? "" : `The newest ${count(looked)} were looked at. `}
                  Kept for 30 days, 100,000 at most. Repair the cause, then replay.
                </span>
              </p>
              <Card class="is-flush causes">
                {list.slice(0, most).map((cause) => {
                  const key = keyOf(cause)
                  return (
                    <CauseGroup
                      key={key}
                      cause={cause}
                      isOpen={isOpen(key)}
                      onFlip={() => flip(key)}
                      chosen={chosen}
                      onChoose={choose}
                      onDone={done}
                    />
                  )
                })}
                <More shown={most} all={list.length} onShow={show} />
              </Card>
              <ChoiceBar chosen={chosen} causes={list} onNone={() => choose(none)} onDone={done} />
            </>
          )
        }}
      </Load>
    </Page>
  )
}
