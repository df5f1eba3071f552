import { now } from "../state/clock.ts"
import { universal, when } from "../text/times.ts"

/** A time in the reader's zone; pointing at it says it in UTC. */
export const Time = ({ at, text }: { readonly at: number; readonly text?: string | undefined }) => (
  <time dateTime={new Date(at).toISOString()} title={universal(at)}>
    {text ?? when(at, now.peek())}
  </time>
)
