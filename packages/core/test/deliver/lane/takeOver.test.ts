import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { expect, test } from "vitest"
import * as LaneState from "../../../src/deliver/LaneState.ts"
import { takeOverReplay } from "../../../src/deliver/lane/progress.ts"
import * as CursorMove from "../../../src/operate/cursorMove.ts"
import * as ReplayCursor from "../../../src/operate/replayCursor.ts"
import { Cursors } from "../../../src/ports/Cursors.ts"
import { Destinations } from "../../../src/ports/Destinations.ts"
import { EventLog } from "../../../src/ports/EventLog.ts"
import * as Position from "../../../src/ports/Position.ts"
import * as Store from "../../../src/ports/Store.ts"

const withStore = (
  body: (ports: {
    readonly log: EventLog["Service"]
    readonly cursors: Cursors["Service"]
    readonly destinations: Destinations["Service"]
  }) => Effect.Effect<void, unknown>,
) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(Layer.build(Store.layerMemory()), (store) =>
        body({
          log: Context.get(store, EventLog),
          cursors: Context.get(store, Cursors),
          destinations: Context.get(store, Destinations),
        }),
      ),
    ),
  )

const entry = (id: string) => ({ id, events: 1, envelope: "{}", body: new Uint8Array(1) })

/** Just before the first save, somebody takes over what is saved. */
const contested = (cursors: Cursors["Service"]): Cursors["Service"] => {
  let saves = 0
  return {
    ...cursors,
    save: (records) =>
      Effect.gen(function* () {
        if (saves++ === 0) yield* Effect.forEach(records, ({ name }) => cursors.acquire(name))
        return yield* cursors.save(records)
      }),
  }
}

test("a replay that has come to its end meanwhile is not begun as something new, and leaves nothing", () =>
  withStore(({ log, cursors }) =>
    Effect.gen(function* () {
      yield* log.append([entry("a"), entry("b")])
      const replay = yield* ReplayCursor.begin({ log, cursors }, { destination: "d", since: 0, until: 1 })
      const name = `d/0/${replay}`
      expect((yield* takeOverReplay(cursors, name)).record.position).toBe(Position.origin)
      yield* cursors.remove(name)
      expect(Result.isFailure(yield* Effect.result(takeOverReplay(cursors, name)))).toBe(true)
      expect(yield* cursors.list).toEqual([])
    }),
  ))

test("a move whose cursor is taken over meanwhile is done anew", () =>
  withStore(({ log, cursors, destinations }) =>
    Effect.gen(function* () {
      const [first] = yield* log.append([entry("a"), entry("b"), entry("c")])
      const { epoch } = yield* cursors.acquire("d/0")
      const state = LaneState.encode(LaneState.initial(0))
      yield* cursors.save([{ name: "d/0", epoch, record: { position: first!, index: 0, state } }])
      const ports = { log, destinations, cursors: contested(cursors) }
      expect(yield* CursorMove.skip(ports, "d", 0)).toBe(3)
      expect((yield* cursors.list)[0]?.record?.position).toBe((yield* log.bounds(0)).head)
      expect(yield* CursorMove.rewind({ ...ports, cursors: contested(cursors) }, "d", 0, 0)).toBe(3)
      expect((yield* cursors.list)[0]?.record?.position).toBe(Position.origin)
    }),
  ))

test("a replay whose name is taken meanwhile gets another one", () =>
  withStore(({ log, cursors }) =>
    Effect.gen(function* () {
      yield* log.append([entry("a")])
      const range = { destination: "d", since: 0, until: 1 }
      const replay = yield* ReplayCursor.begin({ log, cursors: contested(cursors) }, range)
      expect(replay).toMatch(/\+$/)
      const begun = (yield* cursors.list).filter(({ record }) => record !== null).map(({ name }) => name)
      expect(begun).toEqual([`d/0/${replay}`])
    }),
  ))
