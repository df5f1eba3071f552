import { afterAll, expect, it } from "vitest"
import { OPTIONS, POST } from "./app/v1/[...path]/route.ts"
import { millrace } from "./millrace.ts"

afterAll(async () => void (await (await millrace).close({ deadline: 0 })))

const url = "https://shop.example/v1/log_event"

it("the route takes events", async () => {
  const reply = await POST(
    new Request(url, {
      method: "POST",
      headers: { "statsig-api-key": "secret-example", "statsig-client-time": String(Date.now()) },
      body: JSON.stringify({
        events: [{ eventName: "page_view", user: { userID: "u1" }, time: Date.now() }],
      }),
    }),
  )
  expect([reply.status, await reply.json()]).toEqual([202, { success: true }])
})

it("the route answers browsers that ask first", async () => {
  const reply = await OPTIONS(
    new Request(url, { method: "OPTIONS", headers: { origin: "https://shop.example" } }),
  )
  expect([reply.status, reply.headers.get("access-control-allow-origin")]).toEqual([
    204,
    "https://shop.example",
  ])
})
