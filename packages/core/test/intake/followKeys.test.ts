import { createHash } from "node:crypto"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import { Ingest } from "../../src/intake/Ingest.ts"
import * as Millrace from "../../src/Millrace.ts"
import { Keys } from "../../src/ports/Keys.ts"
import * as Store from "../../src/ports/Store.ts"
import { Transport } from "../../src/ports/Transport.ts"
import { layerTest } from "../support/codec.ts"
import { run, serverKey } from "../support/intake.ts"

/** A process, and the keys of its store as another one has them. */
const start = Effect.fnUntraced(function* (shared: boolean) {
  let lists = 0
  let keys: Keys["Service"] | undefined
  const counted = Layer.effect(
    Keys,
    Effect.map(Keys, (found) => {
      keys = found
      const list = Effect.suspend(() => {
        lists += 1
        return found.list
      })
      return Keys.of({ ...found, list })
    }),
  )
  const ports = Layer.mergeAll(
    Layer.provideMerge(counted, Store.layerMemory({ shared })),
    Layer.succeed(Transport, { send: () => Effect.never }),
    layerTest,
  )
  const services = yield* Layer.build(Layer.provide(Millrace.layer({ keys: { server: [serverKey] } }), ports))
  return { ingest: Context.get(services, Ingest), keys: keys!, lists: () => lists }
})

test("keys that another process makes and takes back are gone by within two seconds", () =>
  run(
    Effect.gen(function* () {
      const { ingest, keys } = yield* start(true)
      const key = "secret-of-another-process"
      const hash = createHash("sha256").update(key).digest("hex")
      const isKnown = () => ingest.authenticate(key, "log_event") !== null
      yield* keys.put({ hash, kind: "server", createdAt: 1 })
      expect(isKnown()).toBe(false)
      yield* TestClock.adjust("2 seconds")
      expect(isKnown()).toBe(true)
      yield* keys.remove(hash)
      yield* TestClock.adjust("2 seconds")
      expect(isKnown()).toBe(false)
      expect(ingest.authenticate(serverKey, "log_event")).not.toBeNull()
    }),
  ))

test("keys of a store that is this process's alone are not looked for", () =>
  run(
    Effect.gen(function* () {
      const { lists } = yield* start(false)
      const atStart = lists()
      yield* TestClock.adjust("1 minute")
      expect(lists()).toBe(atStart)
    }),
  ))
