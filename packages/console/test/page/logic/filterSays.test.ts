import { expect, it } from "vitest"
import { curlFor } from "../../../web/logic/curl.ts"
import { byDefault, selectionIn } from "../../../web/logic/filterForm.ts"
import { linesOf } from "../../../web/logic/filterSays.ts"
import { userOf } from "../../../web/logic/letters.ts"
import { triesOf } from "../../../web/logic/tries.ts"
import { plain } from "./arbitraries.ts"

const said = (selection: typeof plain) =>
  Object.fromEntries(linesOf(selection).map(({ name, value }) => [name, value]))

it("says what a selection lets pass", () => {
  expect(said(plain)).toEqual({
    Exposures: "sent",
    "Configuration Changes": "sent",
    "Custom Events": "sent",
    "Auto capture": "sent",
    Internal: "left out",
    Where: "no rule",
    Sample: "all users",
    Fields: "all",
  })
  const { filter } = plain
  expect(
    said({
      ...plain,
      filter: {
        ...filter,
        newCustomEvents: false,
        customEvents: { a: true, b: false },
        exclude: ["debug_*"],
        where: { all: [{ field: "user.country", in: ["DE", "AT"] }] },
        sample: 0.1,
      },
      fields: { drop: ["user.ip"], keep: null, hash: ["user.email"] },
    }),
  ).toMatchObject({
    "Custom Events": "1 of 2 names; new ones are left out",
    "But not": "debug_*",
    Where: "user.country is one of DE, AT",
    Sample: "10 % of users",
    Fields: "without user.ip; hashed: user.email",
  })
})

it("begins a webhook with what the server has by default", () => {
  expect(byDefault).toEqual(plain)
  expect(selectionIn({ ...plain, url: "https://example.com/" })).toEqual(plain)
})

it("writes a request for a shell, without what signs it, whatever is in it", () => {
  const headers = { "content-type": "application/json", "webhook-signature": "v1,abc", "content-length": "9" }
  const curl = curlFor("https://example.com/", { headers, body: `{"it's":1}` })
  expect(curl).toBe(
    `curl -sS 'https://example.com/' \\\n  -H 'content-type: application/json' \\\n  --data-binary '{"it'\\''s":1}'`,
  )
})

it("reads the user of an event, where it can be read", () => {
  expect(userOf('{"user":{"userID":"u_1"}}')).toBe("u_1")
  expect(userOf('{"user":{"userID":')).toBe("")
  expect(userOf('{"user":null}')).toBe("")
})

it("shows the tries of the newest batch only, oldest first", () => {
  const attempt = (webhookId: string, startedAt: number) => ({ webhookId, startedAt }) as never
  expect(triesOf([attempt("b", 3), attempt("b", 2), attempt("a", 1)])?.startedAt).toEqual([2, 3])
  expect(triesOf([])).toBeNull()
})
