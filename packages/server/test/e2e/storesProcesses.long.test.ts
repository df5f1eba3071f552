import { describeServer } from "@millrace/test-servers"
import { expect, test } from "vitest"
import { delivered, destinationOf, expectLedger, repetitions } from "../support/delivered.ts"
import { engines } from "../support/engines.ts"
import { acquainted, changesNoted, type Fleet, makeFleet, type Process, senderOf } from "../support/fleet.ts"
import { makeLoad } from "../support/load.ts"
import { key, say, seconds, stop } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

const destinations = Array.from({ length: 12 }, (_, index) => `d${String(index + 1).padStart(2, "0")}`)

/** The process that serves most: another serves none at all, now and then. */
const busiest = (fleet: Fleet, processes: ReadonlyArray<Process>): Process =>
  [...processes].sort((a, b) => fleet.served(b).length - fleet.served(a).length)[0]!

const others = (processes: ReadonlyArray<Process>, gone: Process): ReadonlyArray<Process> =>
  processes.filter((process) => process !== gone)

/**
 * How often processes note in each time that there are others than before. More often, and a lease
 * has ended because the machine is busy.
 */
const changesExpected = {
  start: 0,
  killed: 2,
  frozen: 1,
  thawed: 2,
  "cut off": 1,
  restored: 2,
  leaving: 1,
} as const

type Time = keyof typeof changesExpected

for (const { kind, name, start } of engines) {
  describeServer(kind, name, () => {
    test("three processes share twelve destinations; whoever is killed, frozen, cut off or leaves is replaced, and nothing is lost", async () => {
      const engine = await start({ timeout: 3_000 })
      const receiver = await receive()
      const fleet = makeFleet(engine, receiver, destinations)
      const load = makeLoad(key, 1, { pause: 100 })
      const { requests } = receiver
      const takeovers: Array<string> = []

      const all: ReadonlyArray<Process> = [
        await fleet.start("a"),
        await fleet.start("b"),
        await fleet.start("c"),
      ]
      let processes = all
      await acquainted(processes)
      const changes = (): number => all.reduce((sum, process) => sum + changesNoted(process), 0)
      /** Where each time begins in what was received. */
      const marks: Array<{ readonly time: Time; readonly at: number; readonly changes: number }> = []
      const mark = (time: Time): void => void marks.push({ time, at: requests.length, changes: changes() })
      mark("start")
      const sending = Promise.all(processes.map(({ server }) => load.send(server.url)))
      await load.until(() => processes.every(({ server }) => load.taken(server.url) >= 10))
      await fleet.settled(processes)

      const takenOver = async (from: Process, ids: ReadonlyArray<string>, what: string) => {
        const began = performance.now()
        await fleet.relieved(from, ids)
        takeovers.push(`${what}: ${ids.length} taken over in ${seconds(performance.now() - began)}`)
      }

      const killed = busiest(fleet, processes)
      const ofKilled = fleet.served(killed)
      mark("killed")
      killed.server.kill("SIGKILL")
      await takenOver(killed, ofKilled, "killed")
      processes = others(processes, killed)
      await fleet.settled(processes)

      const frozen = busiest(fleet, processes)
      await fleet.hold(frozen)
      const ofFrozen = fleet.served(frozen)
      const heldFrom = requests.length
      frozen.server.kill("SIGSTOP")
      // It hears of these answers only when its time is over.
      await fleet.letGo()
      const held = new Set(
        requests.flatMap((request, at) => (at >= heldFrom && senderOf(request) === frozen.name ? [at] : [])),
      )
      mark("frozen")
      await takenOver(frozen, ofFrozen, "frozen")
      mark("thawed")
      frozen.server.kill("SIGCONT")
      await fleet.serves(frozen, ofFrozen)
      await fleet.settled(processes)

      const cut = busiest(fleet, processes)
      const ofCut = fleet.served(cut)
      mark("cut off")
      await cut.network.cut()
      await takenOver(cut, ofCut, "cut off")
      mark("restored")
      await cut.network.restore()
      await fleet.serves(cut, ofCut)
      await fleet.settled(processes)

      const leaving = busiest(fleet, processes)
      const ofLeaving = fleet.served(leaving)
      mark("leaving")
      const left = stop(leaving.server)
      await takenOver(leaving, ofLeaving, "leaving")
      await left
      processes = others(processes, leaving)
      await fleet.settled(processes)

      load.stop()
      await sending
      await delivered(receiver, load, destinations)
      for (const { server } of processes) await stop(server)

      // What was under way when its sender was lost is sent again, once: one request a destination.
      // Nothing else is.
      const repeated = repetitions(requests)
      const unexpected: Array<Time> = []
      for (const [index, { time, at, changes: before }] of marks.entries()) {
        const next = marks[index + 1] ?? { at: requests.length, changes: changes() }
        if (next.changes - before > changesExpected[time]) {
          unexpected.push(time)
          continue
        }
        const within = repeated.filter(({ by }) => by >= at && by < next.at)
        const lost = [...new Set(within.flatMap(({ of }) => [...of]))]
        const lostBy = (sender: Process): void => {
          expect(lost.filter((one) => senderOf(requests[one]!) !== sender.name)).toEqual([])
          expect(within.filter(({ by }) => senderOf(requests[by]!) === sender.name)).toEqual([])
          expect(new Set(lost.map((one) => destinationOf(requests[one]!))).size).toBe(lost.length)
        }
        switch (time) {
          case "killed":
            lostBy(killed)
            break
          case "frozen":
            lostBy(frozen)
            expect(lost.filter((one) => !held.has(one))).toEqual([])
            break
          case "cut off":
            lostBy(cut)
            break
          case "start":
          case "thawed":
          case "restored":
          case "leaving":
            expect(within, time).toEqual([])
        }
      }
      await expectLedger(engine.store, receiver, load, destinations)

      say(
        `${name}: ${takeovers.join("; ")}; ${load.acknowledged.size} events acknowledged, ${repeated.length} requests repeated` +
          (unexpected.length === 0
            ? ""
            : `; the machine was too busy for leases while ${unexpected.join(", ")}`),
      )
    }, 300_000)
  })
}
