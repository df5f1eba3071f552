import { describeServer } from "@millrace/test-servers"
import { expect, test } from "vitest"
import { serve } from "../support/command.ts"
import { delivered, expectLedger, sentAgain } from "../support/delivered.ts"
import { engines } from "../support/engines.ts"
import { makeLoad } from "../support/load.ts"
import { configured, key, say, stop } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

const rounds = 4

for (const { kind, name, start } of engines) {
  describeServer(kind, name, () => {
    test("millrace is killed under load, again and again: what was acknowledged arrives, and only what was in flight arrives twice", async () => {
      const { store } = await start()
      const receiver = await receive()
      const cwd = configured(receiver)
      const load = makeLoad(key, 8, { pause: 2 })

      for (let round = 0; round < rounds; round++) {
        const server = await serve(["--store", store], { cwd })
        const sending = load.send(server.url)
        const enough = receiver.requests.length + 1 + Math.floor(Math.random() * 40)
        await receiver.until(() => receiver.requests.length >= enough)
        server.kill("SIGKILL")
        expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" })
        await sending
        await receiver.deserted()
      }

      const server = await serve(["--store", store], { cwd })
      await delivered(receiver, load, ["receiver"])
      await stop(server)

      // A request is sent again only when the process died before it could note the answer: the
      // last one before a kill.
      const repeated = sentAgain(receiver.requests)
      expect(repeated.length).toBeLessThanOrEqual(rounds)
      await expectLedger(store, receiver, load, ["receiver"])
      say(
        `${name}: ${rounds} kills, ${load.acknowledged.size} events acknowledged, ${repeated.length} requests repeated`,
      )
    }, 240_000)
  })
}
