import type { JsonObject } from "../../base/json.ts"
import type { WebhookEvent } from "../WebhookEvent.ts"
import { type Escape, plainText } from "./plainText.ts"
import { headingOf, nameLines, summaryOf, usersLine } from "./summary.ts"

/** UTF-16 units. Ten names with their counts stay below the 4,096 of a description. */
const mostOfName = 200

/** UTF-16 units. Five ids stay below the 1,024 of a field's value. */
const mostOfUser = 150

const punctuation = /[!-/:-@[-`{-~]/

/**
 * A backslash before any punctuation shows it: no markup, no link, no emoji, and no mention, which
 * begins with `<` or `@`.
 */
const escapeMarkup: Escape = (character) => (punctuation.test(character) ? `\\${character}` : character)

/**
 * What a webhook of Discord posts for a batch: the heading as content, which notifications show,
 * and the rest as an embed. Whatever stands in it, nobody is mentioned.
 */
export const discord = (events: ReadonlyArray<WebhookEvent>): JsonObject => {
  const summary = summaryOf(events)
  const names = nameLines(summary, (name) => plainText(name, mostOfName, escapeMarkup))
  const users = usersLine(summary, (userID) => plainText(userID, mostOfUser, escapeMarkup))
  const embed = {
    description: names.join("\n"),
    ...(users === null ? {} : { fields: [{ name: "Users", value: users }] }),
    ...(summary.span === null ? {} : { footer: { text: summary.span } }),
  }
  return {
    content: headingOf(summary),
    ...(names.length === 0 ? {} : { embeds: [embed] }),
    allowed_mentions: { parse: [] },
  }
}
