import { useEffect } from "preact/hooks"
import type { Destination } from "../../api/rows.ts"
import { openFiltering } from "../../dialogs/open.tsx"
import { selectionIn } from "../../logic/filterForm.ts"
import { linesOf } from "../../logic/filterSays.ts"
import { Button } from "../../parts/Button.tsx"
import { Card } from "../../parts/Card.tsx"
import { type Fact, Facts } from "../../parts/Facts.tsx"
import { Load, useResource } from "../../parts/Load.tsx"
import { Meter } from "../../parts/Meter.tsx"
import { dialogs } from "../../state/dialogs.ts"
import { shown } from "../../text/escape.ts"
import { count, percent, sum } from "../../text/numbers.ts"

/** What passed and what did not, of a day, in one bar. */
const LastDay = ({ id }: { readonly id: string }) => {
  const history = useResource("destinations/history", { id, range: "24h" })
  return (
    <Card title="In the last day">
      <Load of={history} rows={2}>
        {({ forwarded, filtered }) => {
          const sent = sum(forwarded)
          const all = sent + sum(filtered)
          return (
            <div class="pad split-bar">
              <Meter part={all === 0 ? 0 : sent / all} rest={all === 0 ? "none" : "skip"} height={14} />
              <p>
                {all === 0 ? (
                  "No event has been looked at."
                ) : (
                  <>
                    <b>{count(sent)}</b> of {count(all)} events passed ({percent(sent, all)}).
                  </>
                )}
              </p>
            </div>
          )
        }}
      </Load>
    </Card>
  )
}

/** What a destination gets, in words; the dialog changes it. */
export const Filtering = ({ row }: { readonly row: Destination }) => {
  const detail = useResource("destinations/get", { id: row.id })
  const open = dialogs.value.length
  // A dialog that has been closed may have changed it.
  useEffect(() => {
    if (open === 0) detail.reload()
  }, [open])
  return (
    <>
      <Card
        title="Event Filtering"
        hint={`Gets ${shown(row.selects)}.`}
        actions={
          <Button small icon="filter" onClick={() => openFiltering(row.id)}>
            Event Filtering
          </Button>
        }
      >
        <Load of={detail} rows={8}>
          {({ config, hasCode }) => (
            <Facts
              class="is-wide"
              of={[
                ...linesOf(selectionIn(config)).map(
                  ({ name, value, isCode }): Fact => [
                    name,
                    isCode ? <code>{shown(value)}</code> : shown(value),
                  ],
                ),
                hasCode ? ["Program", "code decides, too: a predicate, or a transform"] : null,
              ]}
            />
          )}
        </Load>
      </Card>
      <LastDay id={row.id} />
    </>
  )
}
