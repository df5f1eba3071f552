import { hostname } from "node:os"
import { join } from "node:path"
import { Millrace } from "@millrace/node"
import * as Sqlite from "@millrace/store-sqlite"
import { expect, onTestFinished, test } from "vitest"
import { receive } from "./support/receiver.ts"
import { tempDir } from "./support/resources.ts"

test("a second Millrace on a file, as a reload makes that closes nothing, is refused and named, and the first goes on", async () => {
  const receiver = await receive()
  const path = join(tempDir(), "events.db")
  const make = async () => {
    const millrace = await Millrace.make({
      store: Sqlite.layer({ path }),
      keys: "none",
      destinations: [{ id: "here", url: receiver.url, batch: { maxDelay: 0 } }],
      allowPrivateDestinations: true,
      log: () => {},
    })
    onTestFinished(() => void millrace.close({ deadline: 0 }))
    return millrace
  }
  const sent: Array<string> = []
  const arrives = async (millrace: Millrace.Millrace, event: string) => {
    sent.push(event)
    await millrace.logEvent({ event })
    await receiver.until(() => receiver.events.length === sent.length)
  }
  const first = await make()
  await arrives(first, "one")
  for (const event of ["two", "three"]) {
    await expect(make()).rejects.toThrow(`process ${process.pid} on ${hostname()}, since `)
    await arrives(first, event)
  }
  expect(await first.readiness()).toBeNull()
  await first.close()
  await arrives(await make(), "four")
  expect(receiver.events.map(({ eventName }) => eventName)).toEqual(sent)
})
