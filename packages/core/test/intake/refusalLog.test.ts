import { testPipeline } from "@millrace/testkit"
import { expect, test } from "vitest"

test("refused requests are told at once, then summed up once an hour, without what they hold", async () => {
  const lines: Array<string> = []
  const pipeline = await testPipeline({
    log: ({ level, message, fields }) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  })
  const refused = async (headers: Record<string, string>, body: unknown, status: number) =>
    expect(await pipeline.post(body, { headers })).toMatchObject({ status })
  const wrongKey = { "statsig-api-key": "client-s3cret" }
  for (let n = 0; n < 90; n++) {
    await refused(wrongKey, { events: [] }, 401)
    await refused({}, { events: [{ eventName: 7, who: "ada@example.org" }] }, 400)
    await pipeline.advance("1 minute")
  }
  await pipeline.advance("3 days")
  await refused(wrongKey, { events: [] }, 401)
  await pipeline.advance(0)
  expect(lines).toMatchInlineSnapshot(`
    [
      "Warn requests show no key that is known, and are refused {"requests":1,"route":"log_event","key":"client-"}",
      "Warn requests are refused {"requests":1,"route":"log_event","status":400,"reason":"events[…].user: missing"}",
      "Warn requests show no key that is known, and are refused {"requests":59,"within":"1h","route":"log_event","key":"client-"}",
      "Warn requests are refused {"requests":59,"within":"1h","route":"log_event","status":400,"reason":"events[…].user: missing"}",
      "Warn requests show no key that is known, and are refused {"requests":30,"within":"1h","route":"log_event","key":"client-"}",
      "Warn requests are refused {"requests":30,"within":"1h","route":"log_event","status":400,"reason":"events[…].user: missing"}",
      "Warn requests show no key that is known, and are refused {"requests":1,"route":"log_event","key":"client-"}",
    ]
  `)
  await pipeline.close()
})
