import { Ajv2020 } from "ajv/dist/2020.js"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { JsonObject } from "../../../src/base/json.ts"
import { discord } from "../../../src/select/messages/discord.ts"
import { slack } from "../../../src/select/messages/slack.ts"
import { teams } from "../../../src/select/messages/teams.ts"
import type { WebhookEvent } from "../../../src/select/WebhookEvent.ts"
import { event, hostileBatch, textsIn } from "./events.ts"
import * as VendorSchemas from "./vendorSchemas.ts"

const ajv = new Ajv2020({ strict: false, allErrors: true })

const problemsWith = (schema: object) => {
  const isValid = ajv.compile(schema)
  return (message: unknown) => (isValid(message) ? [] : isValid.errors)
}

const tools = [
  { name: "Slack", make: slack, problems: problemsWith(VendorSchemas.slack) },
  { name: "Discord", make: discord, problems: problemsWith(VendorSchemas.discord) },
  { name: "Teams", make: teams, problems: problemsWith(VendorSchemas.teams) },
] as const

/** Ten and more names, five and more users, each as long as it may get. */
const largest = (character: string): ReadonlyArray<WebhookEvent> =>
  Array.from({ length: 12 }, (_, n) =>
    event({ eventName: `${n}${character.repeat(2000)}`, userID: `${n}${character.repeat(2000)}` }),
  )

describe.each(tools)("a message for $name", ({ make, problems }) => {
  test("is valid by its documents, whatever names and users are", () => {
    fc.assert(
      fc.property(hostileBatch, (batch) => {
        expect(problems(make(batch))).toEqual([])
      }),
    )
  })

  test.each(["x", "&", "*", "😀", "{", "ࠀ"])(
    "keeps its bounds where all names are long, of %s",
    (character) => {
      const message = make(largest(character))
      expect(problems(message)).toEqual([])
      expect(new TextEncoder().encode(JSON.stringify(message)).length).toBeLessThan(VendorSchemas.teamsBytes)
      for (const text of textsIn(message)) expect(text.length).toBeLessThanOrEqual(3000)
    },
  )

  test("says the same of the same events, and changes none of them", () => {
    fc.assert(
      fc.property(hostileBatch, (batch) => {
        const before = JSON.stringify(batch)
        expect(JSON.stringify(make(batch))).toBe(JSON.stringify(make(structuredClone(batch))))
        expect(JSON.stringify(batch)).toBe(before)
      }),
    )
  })

  test("holds nothing that is not seen: controls, marks of direction, halves of a pair", () => {
    fc.assert(
      fc.property(hostileBatch, (batch) => {
        for (const text of textsIn(make(batch))) {
          // A line break is ours, and so is the word joiner between two braces.
          expect(text.replaceAll("\n", "").replaceAll("{\u2060", "{")).not.toMatch(
            /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u,
          )
        }
      }),
    )
  })

  test("of no event is valid, too", () => {
    expect(problems(make([]))).toEqual([])
    expect(textsIn(make([]))).toContain("0 events")
  })
})

const batch = [
  event({ eventName: "page_view", userID: "u2" }),
  event({ eventName: "checkout & <pay>" }),
  event({ eventName: "page_view", timestamp: Date.UTC(2026, 10, 29, 18, 53) }),
  event({ eventName: "page_view", userID: "" }),
]

describe("Slack", () => {
  const plain = (text: string) => ({ type: "plain_text", text, emoji: false })

  test("gets blocks, and a text for notifications", () => {
    expect(slack(batch)).toEqual({
      text: "4 events: page_view × 3, checkout &amp; &lt;pay&gt; × 1",
      mrkdwn: false,
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
      blocks: [
        { type: "header", text: plain("4 events") },
        { type: "section", text: plain("page_view × 3\ncheckout &amp; &lt;pay&gt; × 1") },
        { type: "section", text: plain("Users: u1, u2") },
        { type: "context", elements: [plain("2026-11-29 18:50:01 to 18:53:00 UTC")] },
      ],
    })
  })

  test("finds nothing to parse: no mention, no link, no entity but the three", () => {
    fc.assert(
      fc.property(hostileBatch, (events) => {
        const message = slack(events)
        expect(message["mrkdwn"]).toBe(false)
        for (const text of textsIn(message)) {
          expect(text).not.toMatch(/[<>]/)
          expect(text.replaceAll(/&(?:amp|lt|gt);/g, "")).not.toContain("&")
        }
      }),
    )
  })
})

describe("Discord", () => {
  test("gets a heading and an embed", () => {
    expect(discord(batch)).toEqual({
      content: "4 events",
      embeds: [
        {
          description: "page\\_view × 3\ncheckout \\& \\<pay\\> × 1",
          fields: [{ name: "Users", value: "u1, u2" }],
          footer: { text: "2026-11-29 18:50:01 to 18:53:00 UTC" },
        },
      ],
      allowed_mentions: { parse: [] },
    })
  })

  test("finds no markup, and mentions nobody", () => {
    fc.assert(
      fc.property(hostileBatch, (events) => {
        const message = discord(events) as JsonObject & { embeds?: ReadonlyArray<JsonObject> }
        expect(message["allowed_mentions"]).toEqual({ parse: [] })
        expect(message["content"]).toMatch(/^\d+ events?$/)
        for (const { description, fields } of message.embeds ?? []) {
          for (const text of textsIn([description, fields])) {
            // A backslash takes its meaning from what stands behind it.
            const rest = text.replaceAll(/\\[!-/:-@[-`{-~]/g, "").replaceAll("(blank)", "")
            expect(rest).not.toMatch(/[!-+\--/:-@[-`{-~]/)
          }
        }
      }),
    )
  })

  test("gets embeds within the 6,000 characters of all their texts", () => {
    for (const character of ["x", "*", "😀"]) {
      const { embeds } = discord(largest(character)) as { readonly embeds?: unknown }
      expect(textsIn(embeds).join("").length).toBeLessThan(6000)
    }
  })
})

describe("Teams", () => {
  const run = (text: string, style: object = {}) => ({ type: "TextRun", text, ...style })
  const name = (text: string, count: string) => ({
    type: "RichTextBlock",
    inlines: [run(text, { weight: "bolder" }), run(count)],
  })

  test("gets a card", () => {
    expect(teams(batch)).toEqual({
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
              { type: "TextBlock", text: "4 events", wrap: true, size: "large", weight: "bolder" },
              name("page_view", " × 3"),
              name("checkout & <pay>", " × 1"),
              { type: "RichTextBlock", inlines: [run("Users: ", { isSubtle: true }), run("u1, u2")] },
              {
                type: "TextBlock",
                text: "2026-11-29 18:50:01 to 18:53:00 UTC",
                wrap: true,
                size: "small",
                isSubtle: true,
              },
            ],
          },
        },
      ],
    })
  })

  test("reads Markdown only in what is ours, and finds no function", () => {
    const blocksIn = (value: unknown): ReadonlyArray<string> => {
      if (typeof value !== "object" || value === null) return []
      if ("type" in value && value.type === "TextBlock" && "text" in value) return [String(value.text)]
      return Object.values(value).flatMap(blocksIn)
    }
    fc.assert(
      fc.property(hostileBatch, (events) => {
        const message = teams(events)
        for (const text of blocksIn(message)) expect(text).toMatch(/^(?:[\d,]+ events?|[-+\d: to]+ UTC)$/)
        for (const text of textsIn(message)) expect(text).not.toContain("{{")
      }),
    )
  })
})
