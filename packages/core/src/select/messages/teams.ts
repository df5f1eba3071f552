import type { JsonObject } from "../../base/json.ts"
import type { WebhookEvent } from "../WebhookEvent.ts"
import { type Escape, plainText } from "./plainText.ts"
import { headingOf, moreText, numberText, summaryOf, usersLine } from "./summary.ts"

/** UTF-16 units of a name or id: a message stays far below the 28 KB that Teams takes. */
const mostOfText = 200

/**
 * Text runs know no markup, but on some platforms functions: `{{DATE(...)}}`. A word joiner, which
 * is not seen, parts two braces.
 */
const partBraces: Escape = (character) => (character === "{" ? "{\u2060" : character)

const show = (text: string): string => plainText(text, mostOfText, partBraces)

/** Shows text of ours alone: Markdown is read in it. */
const textBlock = (text: string, style: JsonObject) => ({ type: "TextBlock", text, wrap: true, ...style })

const run = (text: string, style: JsonObject = {}) => ({ type: "TextRun", text, ...style })

/** Shows text as it is: no Markdown is read in runs. */
const line = (...inlines: ReadonlyArray<JsonObject>) => ({ type: "RichTextBlock", inlines })

/**
 * What a workflow of Teams ("When a Teams webhook request is received") posts for a batch: one
 * Adaptive Card.
 */
export const teams = (events: ReadonlyArray<WebhookEvent>): JsonObject => {
  const summary = summaryOf(events)
  const more = moreText(summary.names)
  const users = usersLine(summary, show)
  return {
    type: "message",
    attachments: [
      {
        contentType: "application/vnd.microsoft.card.adaptive",
        contentUrl: null,
        content: {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            textBlock(headingOf(summary), { size: "large", weight: "bolder" }),
            ...summary.names.shown.map(({ text, count }) =>
              line(run(show(text), { weight: "bolder" }), run(` × ${numberText(count)}`)),
            ),
            ...(more === null ? [] : [line(run(more))]),
            ...(users === null ? [] : [line(run("Users: ", { isSubtle: true }), run(users))]),
            ...(summary.span === null ? [] : [textBlock(summary.span, { size: "small", isSubtle: true })]),
          ],
        },
      },
    ],
  }
}
