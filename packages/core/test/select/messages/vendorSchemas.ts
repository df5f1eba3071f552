/**
 * The parts of vendors' documents that say what a message may hold, as far as ours use them.
 * Nothing else is let in. Lengths are the vendors'; where they say "characters", the tests count
 * UTF-16 units besides, of which there are never fewer.
 */

const closed = (properties: object, required: ReadonlyArray<string> = Object.keys(properties)) => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
})

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength })

const plainText = (maxLength: number) =>
  closed({ type: { const: "plain_text" }, text: text(maxLength), emoji: { type: "boolean" } })

/**
 * Sources: docs.slack.dev/reference/block-kit (blocks; composition-objects/text-object) and the
 * arguments of `IncomingWebhook.send` in slackapi/node-slack-sdk; `mrkdwn` is that of
 * docs.slack.dev/messaging/formatting-message-text. A text has 40,000 characters at most.
 */
export const slack = closed({
  text: text(40_000),
  mrkdwn: { type: "boolean" },
  link_names: { type: "boolean" },
  unfurl_links: { type: "boolean" },
  unfurl_media: { type: "boolean" },
  blocks: {
    type: "array",
    minItems: 1,
    maxItems: 50,
    items: {
      oneOf: [
        closed({ type: { const: "header" }, text: plainText(150) }),
        closed({ type: { const: "section" }, text: plainText(3000) }),
        closed({
          type: { const: "context" },
          elements: { type: "array", minItems: 1, maxItems: 10, items: plainText(3000) },
        }),
      ],
    },
  },
})

/**
 * Source: discord/discord-api-spec, specs/openapi.json: `IncomingWebhookRequestPartial`,
 * `RichEmbed`, `RichEmbedField`, `RichEmbedFooter` and `MessageAllowedMentionsRequest`. An embed
 * has 6,000 characters at most, which a schema cannot say.
 */
export const discord = closed(
  {
    content: text(2000),
    embeds: {
      type: "array",
      maxItems: 10,
      items: closed(
        {
          description: text(4096),
          fields: {
            type: "array",
            maxItems: 25,
            items: closed({ name: text(256), value: text(1024) }),
          },
          footer: closed({ text: text(2048) }),
        },
        ["description"],
      ),
    },
    allowed_mentions: closed({
      parse: {
        type: "array",
        items: { enum: ["users", "roles", "everyone"] },
        maxItems: 1521,
        uniqueItems: true,
      },
    }),
  },
  ["content", "allowed_mentions"],
)

const fontSize = { enum: ["default", "small", "medium", "large", "extraLarge"] }
const fontWeight = { enum: ["default", "lighter", "bolder"] }

/**
 * Sources: microsoft/AdaptiveCards, schemas/1.4.0/adaptive-card.json: `AdaptiveCard`, `TextBlock`,
 * `RichTextBlock` and `TextRun`; around them, what learn.microsoft.com says of a workflow's webhook
 * ("Create and send messages", "Send Adaptive Cards using an Incoming Webhook").
 */
export const teams = closed({
  type: { const: "message" },
  attachments: {
    type: "array",
    minItems: 1,
    items: closed({
      contentType: { const: "application/vnd.microsoft.card.adaptive" },
      contentUrl: { type: "null" },
      content: closed({
        $schema: { type: "string" },
        type: { const: "AdaptiveCard" },
        version: { type: "string", pattern: "^1\\.[0-4]$" },
        body: {
          type: "array",
          items: {
            oneOf: [
              closed(
                {
                  type: { const: "TextBlock" },
                  text: { type: "string" },
                  wrap: { type: "boolean" },
                  size: fontSize,
                  weight: fontWeight,
                  isSubtle: { type: "boolean" },
                },
                ["type", "text"],
              ),
              closed({
                type: { const: "RichTextBlock" },
                inlines: {
                  type: "array",
                  items: closed(
                    {
                      type: { const: "TextRun" },
                      text: { type: "string" },
                      weight: fontWeight,
                      isSubtle: { type: "boolean" },
                    },
                    ["type", "text"],
                  ),
                },
              }),
            ],
          },
        },
      }),
    }),
  },
})

/**
 * Bytes: learn.microsoft.com, "Limits and specifications for Microsoft Teams", incoming webhooks.
 */
export const teamsBytes = 28 * 1024
