import { once } from "node:events"
import { syncBuiltinESMExports } from "node:module"
import type { AddressInfo } from "node:net"
import { constants, PerformanceObserver } from "node:perf_hooks"
import v8 from "node:v8"
import { gzipSync } from "node:zlib"
import { rawReply, scriptedReceiver } from "@millrace/testkit"
import { expect, it, onTestFinished } from "vitest"

/**
 * Every flag of V8 that is set in this process, from before the first module of Millrace is loaded.
 */
const flagsSet: Array<string> = []
const { setFlagsFromString } = v8
v8.setFlagsFromString = (flags) => {
  flagsSet.push(flags)
  setFlagsFromString(flags)
}
syncBuiltinESMExports()

const { default: express } = await import("express")
const { expressHandler } = await import("@millrace/express")
const { Millrace } = await import("@millrace/node")

const { NODE_PERFORMANCE_GC_MINOR: minor, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants

/** Returns the kinds of the collections that somebody has asked for while this ran. */
const forcedCollections = async (run: () => Promise<void>): Promise<ReadonlyArray<number>> => {
  const kinds: Array<number> = []
  const observer = new PerformanceObserver((list) => {
    for (const each of list.getEntries()) {
      const { kind, flags } = (each as { readonly detail?: { kind: number; flags: number } }).detail!
      if ((flags & forced) !== 0) kinds.push(kind)
    }
  })
  observer.observe({ entryTypes: ["gc"] })
  await run()
  // Entries come with a later turn of the event loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  observer.disconnect()
  return kinds
}

/** 1.5 MB that gzip makes little of, so that reading, inflating and sending it each count. */
const events = JSON.stringify({
  events: Array.from({ length: 1_500 }, (_, n) => ({
    eventName: "guest",
    user: { userID: `user-${n}` },
    time: 1_790_000_000_000 + n,
    metadata: { text: Array.from({ length: 40 }, (_, i) => Math.sin(n * 40 + i)).join() },
  })),
})

/**
 * Mounts Millrace in an app, and has it take in six megabytes, half of them compressed, and send
 * them on.
 */
const takeIn = async (collectYoungMemory?: boolean): Promise<void> => {
  const receiver = await scriptedReceiver((socket) => socket.write(rawReply(200)))
  onTestFinished(() => receiver.close())
  const millrace = await Millrace.make({
    keys: { server: ["secret-1"] },
    destinations: [{ id: "here", url: `${receiver.url}/` }],
    allowPrivateDestinations: true,
    ...(collectYoungMemory === undefined ? {} : { collectYoungMemory }),
  })
  const app = express()
  app.use(expressHandler(millrace))
  const server = app.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  for (let turn = 0; turn < 4; turn++) {
    const isCompressed = turn % 2 === 1
    const reply = await fetch(`http://127.0.0.1:${port}/v1/log_event`, {
      method: "POST",
      headers: {
        "statsig-api-key": "secret-1",
        "statsig-client-time": String(Date.now()),
        ...(isCompressed ? { "content-encoding": "gzip" } : {}),
      },
      body: isCompressed ? gzipSync(events) : events,
    })
    expect(reply.status).toBe(202)
    await reply.text()
  }
  server.closeAllConnections()
  server.close()
  expect(await millrace.close()).toEqual({ drained: true, pending: [] })
}

it("a guest changes no flag of V8 and forces no collection, until its host asks for them", async () => {
  // It depends on the flags that are set.
  const tag = v8.cachedDataVersionTag()
  expect(await forcedCollections(() => takeIn())).toEqual([])
  expect(flagsSet).toEqual([])
  expect(v8.cachedDataVersionTag()).toBe(tag)

  const asked = await forcedCollections(() => takeIn(true))
  expect(new Set(asked)).toEqual(new Set([minor]))
  expect(flagsSet).toEqual(["--expose-gc", "--no-expose-gc"])

  // Asking ends with the Millrace that has asked.
  expect(await forcedCollections(() => takeIn())).toEqual([])
})
