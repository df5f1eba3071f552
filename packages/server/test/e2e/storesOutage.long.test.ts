import { describeServer } from "@millrace/test-servers"
import { expect, test } from "vitest"
import { serve } from "../support/command.ts"
import { endedWell } from "../support/ending.ts"
import { engines } from "../support/engines.ts"
import { makeLoad } from "../support/load.ts"
import { configured, key, say, seconds } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

const senders = 8

/**
 * Three make up a cluster: whatever leads it, and whatever millrace is connected to, is among them.
 */
const rounds = 3

for (const { kind, name, start } of engines) {
  describeServer(kind, name, () => {
    test("the store's server is killed under load: 503 while it is away, and all goes on by itself", async () => {
      const engine = await start({ timeout: 5_000 })
      const receiver = await receive()
      const cwd = configured(receiver)
      const load = makeLoad(key, senders, { pause: 2 })
      const server = await serve(["--store", engine.store], { cwd })
      const sending = load.send(server.url)
      const outages: Array<number> = []

      for (let round = 0; round < rounds; round++) {
        const [up, down, back] = [`up ${round}`, `down ${round}`, `back ${round}`]
        load.during(up)
        await load.until(() => load.answers(up).acknowledged >= 200)
        const killedAt = performance.now()
        await engine.kill()
        load.during(down)
        if (engine.outlives) await load.until(() => load.answers(down).acknowledged >= 200)
        else {
          // Each sender is answered, and more than once.
          await load.until(() => load.answers(down).refused >= 20 * senders)
          expect(load.answers(down).acknowledged).toBe(0)
        }
        await engine.start()
        load.during(back)
        await load.until(() => load.answers(back).acknowledged >= 200)
        outages.push(performance.now() - killedAt)
        const sent = receiver.requests.length
        await receiver.until(() => receiver.requests.length > sent)
      }

      const repeated = await endedWell({ store: engine.store, server, load, sending, receiver })
      say(
        `${name}: ${rounds} kills of the server, ${load.acknowledged.size} events acknowledged, ${load.refused.size} refused, ${repeated.length} requests repeated, ` +
          `the longest answer after ${seconds(load.longest())}, nothing taken for ${seconds(load.drought())} at the most, ` +
          `from kill to going on ${outages.map(seconds).join(", ")}`,
      )
    }, 240_000)
  })
}
