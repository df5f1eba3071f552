import { EventLog, InvalidOptions, Store } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, test } from "vitest"
import { Millrace } from "../src/index.ts"

/** A store of a server that says what level it gives. */
const declaring = (durability: EventLog.Durability) =>
  Layer.effect(
    EventLog.EventLog,
    EventLog.EventLog.useSync((log) => EventLog.EventLog.of({ ...log, durability })),
  ).pipe(Layer.provideMerge(Store.layerMemory()))

const onDisk = declaring("disk").pipe(Store.acknowledging<"memory" | "disk">())

/** Compiled only: `tsc` says whether they are right. */
export const demands = {
  none: () => Millrace.make({ store: Store.layerMemory() }),
  noneAndNoStore: () => Millrace.make({}),
  memory: () => Millrace.make({ store: Store.layerMemory(), ack: "memory" }),
  memoryByDefault: () => Millrace.make({ ack: "memory" }),
  less: () => Millrace.make({ store: onDisk, ack: "memory" }),
  disk: () => Millrace.make({ store: onDisk, ack: "disk" }),
  // @ts-expect-error -- what is in memory is not on disk
  tooMuch: () => Millrace.make({ store: Store.layerMemory(), ack: "disk" }),
  // @ts-expect-error -- one disk is not several
  replicated: () => Millrace.make({ store: onDisk, ack: "replicated" }),
  // @ts-expect-error -- the default store is in memory
  byDefault: () => Millrace.make({ ack: "disk" }),
  // @ts-expect-error -- a store that says nothing may be anything
  unknown: (store: Layer.Layer<Store.Store>) => Millrace.make({ store, ack: "memory" }),
}

const start = async (given: EventLog.Durability, ack: EventLog.Durability) => {
  const millrace = await Millrace.make({
    store: declaring(given).pipe(Store.acknowledging<EventLog.Durability>()),
    ack,
    keys: "none",
  })
  return millrace.close()
}

test("a store that gives less than is demanded fails the start, and says what it gives", async () => {
  for (const [given, demanded] of [
    ["memory", "disk"],
    ["memory", "replicated"],
    ["disk", "replicated"],
  ] as const) {
    const error = await start(given, demanded).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(InvalidOptions)
    expect((error as InvalidOptions).problems).toEqual([
      {
        path: "ack",
        message: expect.stringMatching(`"${demanded}" is demanded, .* level "${given}": `),
      },
    ])
  }
})

test("a store that gives as much or more starts", async () => {
  for (const [given, demanded] of [
    ["memory", "memory"],
    ["disk", "memory"],
    ["disk", "disk"],
    ["replicated", "disk"],
  ] as const) {
    expect(await start(given, demanded)).toEqual({ drained: true, pending: [] })
  }
})

test("a level that there is not is a mistake", async () => {
  await expect(Millrace.make({ ack: "dsk" as "memory", keys: "none" })).rejects.toMatchObject({
    problems: [{ path: "ack", message: "expected one of memory, disk, replicated" }],
  })
})

test("a store that gives less at run time takes nothing and is not ready until it gives as much again, where that is demanded", async () => {
  let level: EventLog.Durability = "replicated"
  const changing = Layer.effect(
    EventLog.EventLog,
    EventLog.EventLog.useSync((log) => ({
      ...log,
      get durability() {
        return level
      },
    })),
  ).pipe(Layer.provideMerge(Store.layerMemory()), Store.acknowledging<EventLog.Durability>())
  const made = async (demand: { readonly ack?: EventLog.Durability }) => {
    level = "replicated"
    const millrace = await Millrace.make({ store: changing, keys: "none", ...demand })
    const taken: Array<boolean> = []
    for (level of ["replicated", "disk", "memory", "disk"] as const) {
      const isTaken = await millrace.logEvent({ event: "checkout" }).then(
        () => true,
        (error: Error) => {
          expect(error.message).toContain(`the store acknowledges at level "${level}" now`)
          return false
        },
      )
      expect(await millrace.ready()).toBe(isTaken)
      taken.push(isTaken)
    }
    await millrace.close()
    return taken
  }
  expect(await made({})).toEqual([true, true, true, true])
  expect(await made({ ack: "disk" })).toEqual([true, true, false, true])
  expect(await made({ ack: "replicated" })).toEqual([true, false, false, false])
})

test("an append under way while the level falls is not acknowledged", async () => {
  let level: EventLog.Durability = "disk"
  const falling = Layer.effect(
    EventLog.EventLog,
    EventLog.EventLog.useSync((log) => ({
      ...log,
      get durability() {
        return level
      },
      append: (...given: Parameters<typeof log.append>) =>
        Effect.tap(
          log.append(...given),
          Effect.sync(() => {
            level = "memory"
          }),
        ),
    })),
  ).pipe(Layer.provideMerge(Store.layerMemory()), Store.acknowledging<"disk">())
  const millrace = await Millrace.make({ store: falling, keys: "none", ack: "disk" })
  await expect(millrace.logEvent({ event: "checkout" })).rejects.toThrow(/"disk" is demanded/)
  await millrace.close()
})
