import { symlinkSync } from "node:fs"
import { hostname } from "node:os"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { expect, it } from "vitest"
import { claimDelivery } from "../src/DeliveryClaim.ts"
import { startChild } from "./support/process.ts"
import { entry, freshPath, readNumbers, withStore } from "./support/store.ts"

const at = Date.UTC(2026, 0, 2, 3, 4, 5)

it("refuses a second one of the same process, by any link, until the first has let go, and names it", async () => {
  const path = freshPath()
  const link = `${path}-link`
  symlinkSync(path, link)
  await withStore(path, () =>
    Effect.sync(() => {
      const letGo = claimDelivery(path, at)
      const named = `process ${process.pid} on ${hostname()}, since 2026-01-02T03:04:05.000Z`
      for (const way of [path, link]) expect(() => claimDelivery(way, at)).toThrow(named)
      letGo()
      claimDelivery(link, at + 1)()
    }),
  )
})

it("is gone with its process however that ends, and keeps nobody from reading and appending", async () => {
  const path = freshPath()
  await withStore(path, ({ log }) => log.append([entry(1)]))
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    const child = startChild("deliver", path)
    await child.said(1)
    expect(() => claimDelivery(path, at)).toThrow(`process ${child.process.pid} on ${hostname()}, since `)
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        yield* log.append([entry(signal === "SIGKILL" ? 2 : 3)])
      }),
    )
    child.process.kill(signal)
    expect(await child.ended).toBe(signal)
    claimDelivery(path, at)()
  }
  expect(await withStore(path, ({ log }) => readNumbers(log))).toEqual([1, 2, 3])
})

it("is what a store's members are asked for, and ends with its scope", async () => {
  const path = freshPath()
  await withStore(path, ({ members }) =>
    Effect.gen(function* () {
      const claim = members.claim ?? Effect.void
      const scope = yield* Scope.make()
      yield* Scope.provide(claim, scope)
      expect(yield* Effect.flip(Effect.scoped(claim))).toMatchObject({ reason: { _tag: "Unavailable" } })
      yield* Scope.close(scope, Exit.void)
      yield* Effect.scoped(claim)
    }),
  )
})
