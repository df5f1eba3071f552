import { createHmac } from "node:crypto"
import { type TestPipeline, testPipeline } from "@millrace/testkit"
import { afterEach, beforeEach, expect, test } from "vitest"

const old = `whsec_${btoa("k".repeat(32))}`

const added = { id: "added", url: "https://added.test/", signing: { standardWebhooks: [old] } }

let pipeline: TestPipeline
beforeEach(async () => {
  pipeline = await testPipeline({ destinations: [{ id: "configured", url: "https://configured.test/" }] })
  await pipeline.addDestination(added)
})
afterEach(() => pipeline.close())

/** How many signatures the next request has, and which of some secrets are among them. */
const signers = async (...secrets: ReadonlyArray<string>) => {
  await pipeline.log({ eventName: "a" })
  await pipeline.advance("2 seconds")
  const { headers, body } = pipeline.receiver("added").requests.at(-1)!
  const signatures = (headers["webhook-signature"] ?? "").split(" ").filter((one) => one !== "")
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
  const by = (secret: string) =>
    createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64"))
      .update(signed)
      .digest("base64")
  return [signatures.length, ...secrets.map((secret) => signatures.includes(`v1,${by(secret)}`))]
}

test("a new secret signs beside the old one until that is retired", async () => {
  expect(await signers(old)).toEqual([1, true])
  const { secret, hint } = await pipeline.createSecret("added")
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  expect(secret.endsWith(hint)).toBe(true)
  expect(await signers(old, secret)).toEqual([2, true, true])
  const { secrets } = await pipeline.destination("added")
  expect(secrets.map(({ hint }) => hint)).toEqual([old.slice(-4), hint])
  await pipeline.retireSecret("added", old.slice(-4))
  expect(await signers(old, secret)).toEqual([1, false, true])
})

test("a secret is shown once, and is another one each time", async () => {
  const { secret } = await pipeline.createSecret("added")
  expect((await pipeline.createSecret("added")).secret).not.toBe(secret)
  expect(JSON.stringify(await pipeline.destination("added"))).not.toContain(secret.slice(6, -4))
})

test("no more secrets sign than five", async () => {
  for (let count = 1; count < 5; count++) await pipeline.createSecret("added")
  await expect(pipeline.createSecret("added")).rejects.toMatchObject({ problems: [{ path: "signing" }] })
  expect((await signers())[0]).toBe(5)
})

test("Statsig's secret is retired like any other, and a hint has to be of one", async () => {
  const { revision } = await pipeline.destination("added")
  await pipeline.changeDestination("added", { signing: { statsig: "webhook-secret-wxyz" } }, revision)
  await pipeline.retireSecret("added", "wxyz")
  expect((await pipeline.destination("added")).secrets).toEqual([
    { kind: "standardWebhooks", hint: old.slice(-4) },
  ])
  await expect(pipeline.retireSecret("added", "wxyz")).rejects.toMatchObject({ problems: [{ path: "hint" }] })
  expect(await signers(old)).toEqual([1, true])
})

test("those of the configuration are changed there", async () => {
  await expect(pipeline.createSecret("configured")).rejects.toMatchObject({ _tag: "DestinationConfigured" })
  await expect(pipeline.retireSecret("configured", "")).rejects.toMatchObject({
    _tag: "DestinationConfigured",
  })
  await expect(pipeline.createSecret("nobody")).rejects.toMatchObject({ _tag: "UnknownDestination" })
})
