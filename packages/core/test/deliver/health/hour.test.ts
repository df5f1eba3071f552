import { type Answer, testPipeline } from "@millrace/testkit"
import { expect, test } from "vitest"
import type { LogLine } from "../../../src/Millrace.ts"

const secret = "s3cret-value"
const person = "ada@example.org"

const begun = Date.parse("2026-01-01T00:00:00Z")

const minutesSince = (now: number): string => `${((now - begun) / 60_000).toFixed(1)} min`

const start = async () => {
  const lines: Array<string> = []
  let now = () => begun
  const log = ({ level, message, fields }: LogLine) =>
    lines.push(`${minutesSince(now())} ${level} ${message} ${JSON.stringify(fields)}`)
  const pipeline = await testPipeline({
    destinations: [
      {
        id: "billing",
        url: `https://user:${secret}@billing.test/hook?token=${secret}`,
        headers: { authorization: `Bearer ${secret}` },
      },
    ],
    log,
  })
  now = pipeline.now
  return { pipeline, lines, billing: pipeline.receiver("billing") }
}

const send = async ({ pipeline }: Awaited<ReturnType<typeof start>>, count: number) => {
  for (let n = 0; n < count; n++) {
    await pipeline.log({ eventName: "bought", user: { userID: person, email: person } })
  }
}

const down: Answer = { status: 503, body: `no: ${secret}, ${person}` }

test("an hour of failing is told from its beginning to its end, without a secret", async () => {
  const world = await start()
  const { pipeline, lines, billing } = world
  await send(world, 2)
  await pipeline.advance("1 minute")
  billing.answer(down)
  await send(world, 3)
  await pipeline.advance("59 minutes")
  await send(world, 4)
  await pipeline.advance("2 minutes")
  billing.answer(200)
  await pipeline.advance("1 hour")
  expect(lines).toMatchInlineSnapshot(`
    [
      "1.0 min Warn a destination has begun to fail {"destination":"billing","status":503,"waiting":3}",
      "1.7 min Warn a destination's circuit is open: until something passes, one attempt is made at a time {"destination":"billing","since":"2026-01-01T00:01:01.000Z","attempts":10,"status":503,"waiting":3}",
      "61.0 min Warn a destination still fails {"destination":"billing","since":"2026-01-01T00:01:01.000Z","attempts":29,"status":503,"waiting":7}",
      "64.4 min Info a destination is well again {"destination":"billing","since":"2026-01-01T00:01:01.000Z","attempts":31,"after":"1h 3m 24s","waiting":7}",
    ]
  `)
  expect(lines.join("\n")).not.toContain(secret)
  expect(lines.join("\n")).not.toContain(person)
  await pipeline.advance("3 days")
  expect(lines.length).toBe(4)
  await pipeline.close()
})

test("a process that starts while a destination fails tells since when", async () => {
  const world = await start()
  const { pipeline, lines, billing } = world
  billing.answer("connection failed")
  await send(world, 1)
  await pipeline.advance("10 minutes")
  await pipeline.crash()
  lines.length = 0
  await pipeline.restart()
  await pipeline.advance("1 minute")
  billing.answer(200)
  await pipeline.advance("1 hour")
  expect(lines).toMatchInlineSnapshot(`
    [
      "10.0 min Warn a destination still fails {"destination":"billing","since":"2026-01-01T00:00:01.000Z","attempts":11,"error":"connection failed","waiting":1}",
      "11.6 min Info a destination is well again {"destination":"billing","since":"2026-01-01T00:00:01.000Z","attempts":16,"after":"11m 36s","waiting":1}",
    ]
  `)
  await pipeline.close()
})

test("disabled and enabled by hand, it is told of no longer", async () => {
  const world = await start()
  const { pipeline, lines, billing } = world
  billing.answer(401)
  await send(world, 1)
  await pipeline.advance("1 minute")
  await pipeline.disable("billing")
  await pipeline.advance("1 day")
  billing.answer(200)
  await pipeline.enable("billing")
  await pipeline.advance("1 minute")
  expect(lines).toMatchInlineSnapshot(`
    [
      "0.0 min Warn a destination is set up wrongly {"destination":"billing","status":401,"waiting":1}",
      "1.0 min Warn a destination was disabled by hand {"destination":"billing"}",
      "1441.0 min Info a destination was enabled by hand {"destination":"billing"}",
      "1441.0 min Info a destination is well again {"destination":"billing","since":"2026-01-01T00:00:01.000Z","attempts":7,"after":"1d 59s","waiting":1}",
    ]
  `)
  await pipeline.close()
})

test("a replay is told of when it begins, is done and is stopped", async () => {
  const world = await start()
  const { pipeline, lines, billing } = world
  await send(world, 3)
  await pipeline.advance("1 minute")
  await pipeline.replay({ destination: "billing", since: 0, until: pipeline.now() })
  await pipeline.advance("1 minute")
  billing.answer(down)
  const replay = await pipeline.replay({ destination: "billing", since: 0, until: pipeline.now() })
  await pipeline.stopJob(replay)
  expect(lines).toMatchInlineSnapshot(`
    [
      "1.0 min Info a replay has begun {"destination":"billing","replay":"replay-1767225660000"}",
      "1.0 min Info a replay is done {"destination":"billing","replay":"replay-1767225660000","delivered":3,"filtered":0,"dead":0}",
      "2.0 min Info a replay has begun {"destination":"billing","replay":"replay-1767225720000"}",
      "2.0 min Warn a destination has begun to fail {"destination":"billing","status":503,"waiting":0}",
      "2.0 min Info a replay was stopped {"destination":"billing","replay":"replay-1767225720000"}",
    ]
  `)
  await pipeline.close()
})
