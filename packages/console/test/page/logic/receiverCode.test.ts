import { Signature } from "@millrace/core"
import { expect, it } from "vitest"
import { receivers, secretVariable } from "../../../web/logic/receiverCode.ts"
import { makeSecret } from "../../../web/logic/signingSecret.ts"

it("makes a secret that the server takes, and another one each time", () => {
  const make = () => makeSecret((bytes) => crypto.getRandomValues(bytes))
  expect(Signature.standardKey(make())).toHaveLength(32)
  expect(make()).not.toBe(make())
})

it("reads the secret from its variable in every language, checks it, and takes an event once", () => {
  for (const code of Object.values(receivers)) {
    expect(code).toContain(secretVariable)
    expect(code).not.toContain("whsec_")
    expect(code).toContain("timeUUID")
  }
})
