import {
  describeServer,
  type Kind,
  lackingDisk,
  smallDisk,
  startNats,
  startPostgres,
  startRedis,
  type TestServer,
} from "@millrace/test-servers"
import { expect, onTestFinished, test } from "vitest"
import { serve } from "../support/command.ts"
import { delivered, expectLedger } from "../support/delivered.ts"
import { doctor, lookAround, readyUntil } from "../support/health.ts"
import { makeLoad } from "../support/load.ts"
import { configured, key, say, seconds, stop } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

/** A server that holds less than the log may take. */
interface Small {
  readonly kind: Kind
  readonly name: string
  readonly start: () => Promise<TestServer>
  readonly parameters?: string
  /** What the log says at the start, where the server tells what it has. */
  readonly warning?: string
  readonly lacking?: string | undefined
}

const small: ReadonlyArray<Small> = [
  {
    kind: "redis",
    name: "Redis",
    start: () => startRedis({ appendfsync: "always", maxmemory: "30mb", "maxmemory-policy": "noeviction" }),
    warning: "the server has 31457280 in all",
  },
  {
    kind: "nats",
    name: "JetStream",
    start: () => startNats({ jetstream: "max_file: 24MB" }),
    warning: "the server has room for about",
  },
  {
    kind: "postgres",
    name: "PostgreSQL",
    start: () => {
      const disk = smallDisk(64)
      onTestFinished(() => disk.remove())
      return startPostgres({}, disk)
    },
    lacking: lackingDisk(),
  },
]

const senders = 4

/** Bytes of an event beside what it takes. */
const padding = 20_000

for (const { kind, name, start, warning, lacking } of small) {
  const skipped = lacking === undefined ? "" : ` (skipped: ${lacking})`
  describeServer(kind, `${name} that is smaller than the log's cap`, () => {
    test.skipIf(lacking !== undefined)(
      `full of what is pending, says so, can be looked at and started anew, and is emptied; what is delivered makes room${skipped}`,
      async () => {
        const database = await start()
        onTestFinished(database.dispose)
        const store = database.url
        const receiver = await receive()
        receiver.answer = 503
        const cwd = configured(receiver)
        const server = await serve(["--store", store], { cwd })
        if (warning !== undefined) expect(server.stderr()).toContain(warning)
        const load = makeLoad(key, senders)
        load.during("filling", padding)
        const sending = load.send(server.url)
        await load.until(() => load.answers("filling").refused >= 1)
        const begun = performance.now()
        expect(await readyUntil(server, 503)).toContain("the store is full")
        const isFull = [expect.stringMatching(/^wrong +store +takes no events: it is full: /)]
        expect(await doctor(cwd, store)).toEqual(expect.arrayContaining(isFull))
        const byDoctor = performance.now() - begun
        await load.until(() => load.answers("filling").refused >= 20)
        await lookAround(cwd, store)
        load.stop()
        await sending
        await stop(server)

        const again = await serve(["--store", store], { cwd })
        expect(await readyUntil(again, 503)).toContain("the store is full")
        receiver.answer = 200
        await delivered(receiver, load, ["receiver"])
        await readyUntil(again, 200)
        load.during("emptied", padding)
        const sendingAgain = load.send(again.url)
        // Twice what it holds.
        await load.until(() => load.answers("emptied").acknowledged >= 300)
        load.stop()
        await sendingAgain
        await readyUntil(again, 200)
        await delivered(receiver, load, ["receiver"])
        await stop(again)
        expect(load.unanswered).toEqual(new Set())
        await expectLedger(store, receiver, load, ["receiver"])
        say(
          `${name}: told by doctor after ${seconds(byDoctor)}, ${load.acknowledged.size} events acknowledged, ` +
            `${load.refused.size} refused`,
        )
      },
      120_000,
    )
  })
}
