import type { JsonObject } from "../../base/json.ts"
import type { WebhookEvent } from "../WebhookEvent.ts"
import { type Escape, plainText } from "./plainText.ts"
import { headingOf, nameLines, summaryOf, usersLine } from "./summary.ts"

/**
 * UTF-16 units of a name or id: ten names with their counts stay below the 3,000 of a text object.
 */
const mostOfText = 200

// docs.slack.dev/messaging/formatting-message-text, "Escaping text": only these three, everywhere.
const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" }

const escapeEntity: Escape = (character) => entities[character] ?? character

const show = (text: string): string => plainText(text, mostOfText, escapeEntity)

/** Slack reads no markup in it; colons do not become emoji, as in `auto_capture::click`. */
const plain = (text: string) => ({ type: "plain_text", text, emoji: false })

const section = (text: string) => ({ type: "section", text: plain(text) })

/**
 * What an incoming webhook of Slack posts for a batch: blocks, and a text for notifications.
 * Nothing in either calls anybody or is formatted.
 */
export const slack = (events: ReadonlyArray<WebhookEvent>): JsonObject => {
  const summary = summaryOf(events)
  const heading = headingOf(summary)
  const names = nameLines(summary, show)
  const users = usersLine(summary, show)
  return {
    text: names.length === 0 ? heading : `${heading}: ${names.join(", ")}`,
    mrkdwn: false,
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: "header", text: plain(heading) },
      ...(names.length === 0 ? [] : [section(names.join("\n"))]),
      ...(users === null ? [] : [section(`Users: ${users}`)]),
      ...(summary.span === null ? [] : [{ type: "context", elements: [plain(summary.span)] }]),
    ],
  }
}
