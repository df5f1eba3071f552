import { Json } from "../../parts/Json.tsx"
import { Soon } from "../../parts/Soon.tsx"
import { status } from "../../state/status.ts"
import { shown } from "../../text/escape.ts"
import { count, decimal } from "../../text/numbers.ts"
import type { DryRun, Trial } from "./useDryRun.ts"

/** Names of events that are shown, those with the most events. */
const most = 11

const barWidth = 84

const Names = ({ run }: { readonly run: DryRun }) => {
  const greatest = Math.max(1, ...run.names.map(({ looked }) => looked))
  const wide = (events: number) => (events === 0 ? 0 : Math.max((events / greatest) * barWidth, 2))
  const rest = run.names.slice(most)
  return (
    <ul class="dry-names">
      {run.names.slice(0, most).map(({ eventName, looked, passed }) => (
        <li key={eventName}>
          <code title={shown(eventName)}>{shown(eventName)}</code>
          <svg width={barWidth} height={8} aria-hidden="true">
            <rect class="bar tone-none" width={wide(looked)} height={8} />
            <rect class="bar tone-flow" width={wide(passed)} height={8} />
          </svg>
          <b>
            {count(passed)}
            <span class="sr"> of {count(looked)}</span>
          </b>
        </li>
      ))}
      {rest.length > 0 && (
        <li>
          <span class="ink-3">{count(rest.length)} more names</span>
          <span />
          <b>{count(rest.reduce((sum, { passed }) => sum + passed, 0))}</b>
        </li>
      )}
    </ul>
  )
}

const changeSays = ({ run, now }: Trial): string => {
  if (run === null || now === null) return ""
  const change = run.passed - now
  const against = change === 0 ? "as now" : `${change > 0 ? "+" : "−"}${count(Math.abs(change))} against now`
  const rate = status.value?.intake.rate ?? 0
  if (run.looked === 0 || rate === 0) return against
  return `${against}, about ${decimal(Math.round((run.passed / run.looked) * rate * 10) / 10)} a second`
}

/** What would pass of the newest events, against what passes now. */
export const DryRunPanel = ({ trial }: { readonly trial: Trial }) => {
  const { run, failure } = trial
  return (
    <aside class="dry" aria-label="What would pass">
      {failure !== null && (
        <p class="ink-dead" role="alert">
          It could not be tried: {shown(failure.message)}
        </p>
      )}
      {run === null && failure === null && <Soon rows={6} />}
      {run !== null && (
        <>
          <h3>Of the last {run.looked === 1 ? "event" : `${count(run.looked)} events`}</h3>
          <div aria-live="polite">
            <p class="dry-count">
              <b>{count(run.passed)}</b> would be sent
            </p>
            <p class="dry-change">{changeSays(trial)}</p>
          </div>
          {run.looked === 0 && <p class="ink-3">No event has arrived yet.</p>}
          {run.unexportable > 0 && (
            <p class="ink-dead">{count(run.unexportable)} could not be made: a transform fails.</p>
          )}
          <Names run={run} />
          {run.examples[0] !== undefined && (
            <>
              <h3>An example, as it would leave</h3>
              <Json value={run.examples[0]} label="An example, as it would leave" />
            </>
          )}
        </>
      )}
    </aside>
  )
}
