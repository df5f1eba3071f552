import { useEffect, useMemo } from "preact/hooks"
import { Button } from "../../parts/Button.tsx"
import { Mono } from "../../parts/Copy.tsx"
import { Failure } from "../../parts/Notice.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { announce } from "../../state/messages.ts"
import { go, href } from "../../state/route.ts"
import { useSignal } from "../../state/signals.ts"
import { status } from "../../state/status.ts"
import { EventPanel } from "./EventPanel.tsx"
import { Leads } from "./NotFound.tsx"
import { makeSearch } from "./search.ts"
import { lookedSays, notFoundSays } from "./searchSays.ts"

interface FindPanelProps {
  readonly id: string
  readonly onClose: () => void
}

/** Looks for one event by its id: how far it has come, that it is there, or that it is not. */
export const FindPanel = ({ id, onClose }: FindPanelProps) => {
  const place = useSignal<string | null>(null)
  const search = useMemo(
    () =>
      makeSearch((row) => {
        place.value = row[0]
      }),
    [],
  )
  useEffect(() => {
    place.value = null
    search.begin({ id, limit: 1 })
    return search.end
  }, [id])
  const { value } = search.state
  const isNotFound = value._tag === "Done" && place.value === null
  useEffect(() => {
    if (isNotFound) announce("No such event is kept.")
  }, [isNotFound])
  if (place.value !== null)
    return <EventPanel key={place.value} which={{ place: place.value }} onClose={onClose} />
  if (value._tag === "Idle") return null
  const kept = status.value?.store.events ?? 0
  const again = () => search.begin({ id, limit: 1 })
  return (
    <Panel
      title={isNotFound ? "No such event is kept." : "Looking for an event"}
      subtitle={<Mono text={id} />}
      closing="Close"
      onClose={onClose}
      foot={
        value._tag === "Searching" ? (
          <Button onClick={search.stop}>Stop</Button>
        ) : (
          <>
            <Button kind="main" icon="eye" onClick={() => go(href("live", { text: id, watch: "1" }))}>
              Watch for it
            </Button>
            {value._tag === "Stopped" && <Button onClick={again}>Look again</Button>}
          </>
        )
      }
    >
      {value._tag === "Failed" && <Failure failure={value.failure} retry={again} />}
      {value._tag === "Searching" && (
        <>
          <progress
            max={Math.max(kept, value.looked, 1)}
            value={value.looked}
            aria-label="Events looked at"
          />
          <p>{lookedSays(value)}</p>
        </>
      )}
      {value._tag === "Stopped" && <p>Stopped. {notFoundSays({ ...value, isAll: false })}</p>}
      {value._tag === "Done" && <p>{notFoundSays(value)}</p>}
      {(value._tag === "Stopped" || value._tag === "Done") && <Leads />}
    </Panel>
  )
}
