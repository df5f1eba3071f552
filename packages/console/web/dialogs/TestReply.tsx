import type { OutputOf } from "../api/rows.ts"
import { Glyph } from "../parts/Glyph.tsx"
import { lines, Pre } from "../parts/Pre.tsx"
import { shown } from "../text/escape.ts"
import { outcomes } from "../text/outcomes.ts"
import { span } from "../text/times.ts"
import { markOf } from "../text/words.ts"

export type TestDelivery = OutputOf<"destinations/test">

const phases = [
  ["DNS", "dns"],
  ["connect", "connect"],
  ["TLS", "tls"],
  ["first byte", "firstByte"],
] as const

/** "DNS 3 ms · connect 12 ms": only the phases there were. */
const timingSays = (timing: TestDelivery["timing"]): string =>
  phases
    .flatMap(([name, key]) => {
      const took = timing?.[key] ?? null
      return took === null ? [] : [`${name} ${span(took)}`]
    })
    .join(" · ")

export const headersText = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${shown(name)}: ${shown(value)}`)
    .join("\n")

/** What a receiver answered to a test event. */
export const TestReply = ({ delivery }: { readonly delivery: TestDelivery }) => {
  const { outcome, status, error, headers, body, duration, timing, advice } = delivery
  const { tone } = outcomes[outcome]
  const text = [headersText(headers), lines(body)].filter((part) => part !== "").join("\n\n")
  return (
    <div class={`reply tone-${tone}`} role="status">
      <div class="reply-head">
        <Glyph mark={markOf[tone]} />
        <b>{status ?? "No reply"}</b>
        <span>in {span(duration)}</span>
        <small>{timingSays(timing)}</small>
      </div>
      <p>{shown(advice)}</p>
      {status === null && error !== null && <p>{shown(error)}</p>}
      {text !== "" && (
        <Pre class="" label="The reply">
          {text}
        </Pre>
      )}
    </div>
  )
}

/** While a test is under way. */
export const Sending = () => (
  <p class="waiting-line" role="status">
    <i class="beat" aria-hidden="true" />
    Sending one event…
  </p>
)
