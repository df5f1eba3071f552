import { expect, it } from "vitest"
import { adminToken } from "../support/hosts.ts"
import { describeConsole, send } from "./support/console.ts"
import { startReceiver } from "./support/receiver.ts"
import { serve } from "./support/serve.ts"

describeConsole("of millrace serve, the console", (open) => {
  it("ticks the first steps by itself", async () => {
    const receiver = await startReceiver()
    const { origin, url } = await serve()
    const { page } = await open({ url })
    await page.getByRole("heading", { level: 1, name: "Nothing flows yet." }).waitFor()
    await send(origin, [{ eventName: "purchase" }])
    await page.getByRole("heading", { level: 1, name: "Events arrive." }).waitFor()
    // As the command does it from another machine.
    const added = await fetch(`${origin}/admin/v1/destinations/add`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${adminToken}` },
      body: JSON.stringify({ destination: { id: "warehouse", url: receiver.url, from: "earliest" } }),
    })
    expect(added.status).toBe(200)
    await page.getByRole("heading", { level: 1, name: "It flows." }).waitFor()
    await page.getByText("The receiver has answered 2xx.").waitFor()
    expect(receiver.taken()).toEqual(["purchase"])
  })
})
