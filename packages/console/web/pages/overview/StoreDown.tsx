import type { Status } from "../../api/rows.ts"
import { Card } from "../../parts/Card.tsx"
import { Glyph } from "../../parts/Glyph.tsx"
import { Notice } from "../../parts/Notice.tsx"
import { Page } from "../../parts/Page.tsx"
import { shown } from "../../text/escape.ts"
import { clock } from "../../text/times.ts"
import { verdictOf } from "./verdict.ts"

const helps = [
  [
    "Millrace goes on by itself",
    "As soon as the store answers, requests are taken again, and destinations go on. Nothing has to be restarted.",
  ],
  ["What was answered 202 is safe", "It lies in the log. Destinations go on from there."],
  ["What was being sent may be sent twice", "With the same timeUUID, so that receivers can tell."],
] as const

export const StoreDown = ({ status }: { readonly status: Status }) => {
  const { problem, problemSince } = status.store
  return (
    <Page title="The store does not answer">
      <header class="verdict">
        <h1>{verdictOf(status).says}</h1>
        <p class="lead">
          SDKs keep their events and send them again; most of them for minutes, some for days.
        </p>
      </header>
      <Notice tone="dead" title="What the store says">
        {shown(problem ?? "")}
        {problemSince === null ? "" : `, since ${clock(problemSince)}`}
      </Notice>
      <Card title="What helps">
        <ul class="needs">
          {helps.map(([title, text]) => (
            <li key={title} class="need">
              <Glyph mark="waiting" />
              <div>
                <h3>{title}</h3>
                <p>{text}</p>
              </div>
            </li>
          ))}
        </ul>
      </Card>
    </Page>
  )
}
