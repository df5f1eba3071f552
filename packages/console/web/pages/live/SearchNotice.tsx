import { useEffect } from "preact/hooks"
import type { EventQuery } from "../../api/rows.ts"
import { Button } from "../../parts/Button.tsx"
import { Failure, Notice } from "../../parts/Notice.tsx"
import { announce } from "../../state/messages.ts"
import { narrow, route } from "../../state/route.ts"
import { shown } from "../../text/escape.ts"
import { plural } from "../../text/numbers.ts"
import { Leads } from "./NotFound.tsx"
import type { Search } from "./search.ts"
import { lookedSays, notFoundSays } from "./searchSays.ts"

interface SearchNoticeProps {
  readonly search: Search
  readonly filter: EventQuery
  readonly isFound: boolean
  /** When the oldest event that is shown arrived. */
  readonly oldest: () => number | undefined
}

const subjectOf = ({ user, name, text }: EventQuery): string => shown(user ?? name ?? text ?? "")

/** What is watched, how far was looked back, and what helps when there is nothing. */
export const SearchNotice = ({ search, filter, isFound, oldest }: SearchNoticeProps) => {
  const { value } = search.state
  const isOver = value._tag === "Done" || value._tag === "Stopped"
  const isNotFound = isOver && !isFound
  const subject = subjectOf(filter)
  useEffect(() => {
    if (value._tag === "Done") announce(isNotFound ? "No such event is kept." : lookedSays(value))
  }, [value._tag, isNotFound])
  if (value._tag === "Idle") return null
  if (value._tag === "Failed") return <Failure failure={value.failure} retry={() => search.begin(filter)} />
  const isWatched = route.value.query.has("watch")
  if (isNotFound)
    return (
      <section class="card not-found" aria-label="Not found">
        <div class="pad">
          <h2>{value._tag === "Stopped" ? "Stopped: none was found so far." : "No such event is kept."}</h2>
          <p>{notFoundSays({ ...value, isAll: value._tag === "Done" && value.isAll })}</p>
          <div class="actions">
            {isWatched ? (
              <span class="quiet">Watching: this tab's title says when it arrives.</span>
            ) : (
              <Button kind="main" icon="eye" onClick={() => narrow({ watch: "1" })}>
                Watch for it
              </Button>
            )}
          </div>
          <Leads />
        </div>
      </section>
    )
  const further = () => {
    const until = oldest()
    search.begin(until === undefined ? filter : { ...filter, until })
  }
  return (
    <Notice
      tone="flow"
      icon="eye"
      title={
        <>
          Watching <code>{subject}</code>.
        </>
      }
      actions={
        value._tag === "Searching" ? (
          <Button small onClick={search.stop}>
            Stop
          </Button>
        ) : value._tag === "Done" && value.isAll ? null : (
          <Button small onClick={further}>
            Look further back
          </Button>
        )
      }
    >
      {plural(value.found, "event")} from before, and each new one as it arrives. {lookedSays(value)}
    </Notice>
  )
}
