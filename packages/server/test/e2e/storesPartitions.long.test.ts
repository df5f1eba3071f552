import { describeServer } from "@millrace/test-servers"
import { expect, test } from "vitest"
import { delivered, destinationOf, expectLedger, repetitions } from "../support/delivered.ts"
import { partitioned } from "../support/engines.ts"
import { acquainted, changesNoted, makeFleet, senderOf } from "../support/fleet.ts"
import { makeLoad } from "../support/load.ts"
import { key, say, seconds, stop } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

const destinations = ["d1", "d2", "d3", "d4"]

/** Two processes note that one was killed, one that another has left. */
const changesExpected = 3

const { kind, name, start, partitions } = partitioned

describeServer(kind, name, () => {
  test("three processes share the lanes of each destination; one is killed, one leaves, and nothing is lost", async () => {
    const engine = await start({ timeout: 3_000 })
    const receiver = await receive()
    const fleet = makeFleet(engine, receiver, destinations)
    const load = makeLoad(key, 2, { pause: 50 })
    const { requests } = receiver

    const processes = [await fleet.start("a"), await fleet.start("b"), await fleet.start("c")] as const
    const [killed, leaving, last] = processes
    await acquainted(processes)
    const changes = (): number => processes.reduce((sum, process) => sum + changesNoted(process), 0)
    const changesBefore = changes()
    const sending = Promise.all(processes.map(({ server }) => load.send(server.url)))
    /** Resolves once everything is delivered that was acknowledged up to now, and a little more. */
    const caughtUp = async (time: string) => {
      load.during(time)
      await load.until(() => load.answers(time).acknowledged >= 20)
      await delivered(receiver, { acknowledged: new Set(load.acknowledged) }, destinations)
    }
    await caughtUp("all")
    await receiver.until(() => requests.some((request) => senderOf(request) === killed.name))

    const killedAt = performance.now()
    killed.server.kill("SIGKILL")
    await caughtUp("killed")
    const takeover = performance.now() - killedAt
    const leftAt = requests.length
    await stop(leaving.server)
    await caughtUp("left")
    load.stop()
    await sending
    await delivered(receiver, load, destinations)
    await stop(last.server)

    // What was under way when its sender was killed is sent again: one request a lane. Nothing else
    // is, unless another lease has ended because the machine is busy.
    const repeated = repetitions(requests)
    if (changes() - changesBefore <= changesExpected) {
      const lost = [...new Set(repeated.flatMap(({ of }) => [...of]))]
      expect(lost.filter((at) => senderOf(requests[at]!) !== killed.name)).toEqual([])
      for (const id of destinations) {
        const ofOne = lost.filter((at) => destinationOf(requests[at]!) === id)
        expect(ofOne.length).toBeLessThanOrEqual(partitions)
      }
      expect(repeated.filter(({ by }) => by >= leftAt)).toEqual([])
    }
    await expectLedger(engine.store, receiver, load, destinations)
    say(
      `${name}: one of three killed, all delivered again after ${seconds(takeover)}; ` +
        `${load.acknowledged.size} events acknowledged, ${repeated.length} requests repeated`,
    )
  }, 240_000)
})
