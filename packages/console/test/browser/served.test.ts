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

  it("says when the server is gone, keeps what it shows, and goes on when it is back", async () => {
    const { origin, url, kill, start } = await serve()
    const { page } = await open({ url, at: "#/live" })
    const row = (name: string) => page.getByRole("row").filter({ hasText: name })
    await page.getByRole("heading", { name: "No event has arrived yet." }).waitFor()
    await send(origin, [{ eventName: "before" }])
    await row("before").waitFor()

    await kill()
    const bar = page.getByRole("region", { name: "Connection" })
    await bar.filter({ hasText: /Disconnected for \d.* What you see is from \d\d:\d\d:\d\d\./ }).waitFor()
    expect(await row("before").count()).toBe(1)

    await start()
    await bar.waitFor({ state: "detached" })
    await send(origin, [{ eventName: "after" }])
    await row("after").waitFor()
    expect(await row("before").count()).toBe(1)
  })
})
