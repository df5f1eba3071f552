import { Glyph } from "../parts/Glyph.tsx"
import { Spark } from "../parts/Spark.tsx"
import { signal } from "../state/signals.ts"
import { connection, status } from "../state/status.ts"
import { count } from "../text/numbers.ts"

/** Rates of the last minute or so: one for each status, which comes every two seconds. */
const recent = signal<ReadonlyArray<number>>([])
const kept = 24

status.subscribe((next) => {
  if (next !== null) recent.value = [...recent.peek(), next.intake.rate].slice(-kept)
})

export const ConnectionBeat = () => {
  const { value } = status
  if (connection.value._tag === "Lost")
    return (
      <span class="connection tone-dead">
        <Glyph mark="dead" />
        Disconnected
      </span>
    )
  if (value === null) return <span class="connection">Connecting…</span>
  if (value.store.problem !== null)
    return (
      <span class="connection tone-dead">
        <Glyph mark="dead" />
        Intake answers 503
      </span>
    )
  return (
    <a class="connection" href="#/live" title="Connected. Events that arrive each second.">
      {connection.value._tag === "Connected" && <i class="beat" aria-hidden="true" />}
      {recent.value.length > 3 && <Spark values={recent.value} width={56} height={18} />}
      <span>
        <b>{count(value.intake.rate)}</b> events/s
      </span>
    </a>
  )
}
