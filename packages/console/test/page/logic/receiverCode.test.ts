import { readFileSync } from "node:fs"
import { Signature } from "@millrace/core"
import { expect, it } from "vitest"
import { languages, secretVariable } from "../../../web/logic/receiverCode.ts"
import { sectionsOf } from "../../../web/logic/sections.ts"
import { makeSecret } from "../../../web/logic/signingSecret.ts"
import { senders } from "../../../web/pages/overview/samples.ts"

const samples = (name: string) =>
  sectionsOf(readFileSync(new URL(`../../../web/samples/${name}.txt`, import.meta.url), "utf8"))

it("makes a secret that the server takes, and another one each time", () => {
  const make = () => makeSecret((bytes) => crypto.getRandomValues(bytes))
  expect(Signature.standardKey(make())).toHaveLength(32)
  expect(make()).not.toBe(make())
})

it("reads the secret from its variable in every language, checks it, and takes an event once", () => {
  const receivers = samples("receivers")
  expect(Object.keys(receivers)).toEqual(languages)
  for (const code of Object.values(receivers)) {
    expect(code).toContain(secretVariable)
    expect(code).not.toContain("whsec_")
    expect(code).toContain("timeUUID")
  }
})

it("says in every language where events go", () => {
  const sent = samples("senders")
  expect(Object.keys(sent)).toEqual(senders)
  for (const code of Object.values(sent)) expect(code).toMatch(/BASE\/(?:webhooks|rgstr|log_event)/)
})
