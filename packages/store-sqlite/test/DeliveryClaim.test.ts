import { existsSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { expect, it } from "vitest"
import { claimDelivery, lookEvery } from "../src/DeliveryClaim.ts"
import { startChild } from "./support/process.ts"
import { connect, entry, freshPath, readNumbers, withStore } from "./support/store.ts"

const at = Date.UTC(2026, 0, 2, 3, 4, 5)

it("refuses a second one of the same process, by any link, until the first has let go, and names it", async () => {
  const path = freshPath()
  const link = `${path}-link`
  symlinkSync(path, link)
  await withStore(path, () =>
    Effect.sync(() => {
      const { letGo } = claimDelivery(path, at)
      const named = `process ${process.pid} on ${hostname()}, since 2026-01-02T03:04:05.000Z`
      for (const way of [path, link]) expect(() => claimDelivery(way, at)).toThrow(named)
      letGo()
      claimDelivery(link, at + 1).letGo()
    }),
  )
})

/** The ways in which a process can leave: what it is told, and how it ends then. */
const ways: ReadonlyArray<readonly [told: NodeJS.Signals, way: string, end: number | string]> = [
  ["SIGUSR2", "close", 0],
  ["SIGUSR2", "exit", 3],
  ["SIGTERM", "", "SIGTERM"],
  ["SIGKILL", "", "SIGKILL"],
  ["SIGABRT", "", "SIGABRT"],
]

it("is gone with its process however that ends, and keeps nobody from reading and appending", {
  timeout: 120_000,
}, async () => {
  const path = freshPath()
  await withStore(path, ({ log }) => log.append([entry(0)]))
  for (const [number, [told, way, end]] of ways.entries()) {
    const child = startChild("deliver", path, way)
    await child.said(1)
    expect(() => claimDelivery(path, at)).toThrow(`process ${child.process.pid} on ${hostname()}, since `)
    await withStore(path, ({ log }) => log.append([entry(number + 1)]))
    child.process.kill(told)
    expect(await child.ended).toBe(end)
    claimDelivery(path, at).letGo()
  }
  expect(await withStore(path, ({ log }) => readNumbers(log))).toEqual(
    Array.from({ length: ways.length + 1 }, (_, number) => number),
  )
})

/** Another process changes it: there is nothing to be woken by. */
const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
}

it("outlives the removal of its file, and its replacement: nobody else gets it, and it is taken anew", {
  timeout: 120_000,
}, async () => {
  const path = freshPath()
  const beside = `${path}-owner`
  await withStore(path, ({ log }) => log.append([entry(1)]))
  const child = startChild("deliver", path)
  await child.said(1)
  const named = `process ${child.process.pid} on ${hostname()}, since `

  rmSync(beside)
  // A file that is in use cannot be claimed without the one that says by whom.
  if (!existsSync(beside)) expect(() => claimDelivery(path, at)).toThrow("has been removed")
  await until(() => existsSync(beside) && statSync(beside).size > 0)
  expect(() => claimDelivery(path, at)).toThrow(named)

  // As a backup does that is put back with everything beside it.
  writeFileSync(`${beside}-old`, "")
  renameSync(`${beside}-old`, beside)
  await until(() => statSync(beside).size > 0)
  expect(() => claimDelivery(path, at)).toThrow(named)

  child.process.kill("SIGKILL")
  await child.ended
  claimDelivery(path, at).letGo()
})

it("may be had of a file that nobody has used yet", async () => {
  const path = freshPath()
  const database = connect(path)
  database.exec("PRAGMA user_version = 0; VACUUM")
  database.close()
  expect(statSync(path).size).toBeGreaterThan(0)
  await withStore(path, ({ members }) => Effect.scoped(members.claim ?? Effect.die("nothing to claim")))
})

it("may be had of a file that nobody else has open, though the file beside it is missing", async () => {
  const path = freshPath()
  await withStore(path, ({ log }) => log.append([entry(1)]))
  rmSync(`${path}-owner`)
  await withStore(path, ({ members }) => Effect.scoped(members.claim ?? Effect.die("nothing to claim")))
})

it("is not had while others have the file open and the file beside it is missing: it may be theirs", async () => {
  const path = freshPath()
  await withStore(path, () =>
    Effect.sync(() => {
      rmSync(`${path}-owner`)
      expect(() => claimDelivery(path, at)).toThrow(`${path}-owner has been removed`)
    }),
  )
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

it("takes its lock anew, where it has been removed, by Effect's clock", async () => {
  const path = freshPath()
  const beside = `${path}-owner`
  await withStore(path, ({ members }) =>
    Effect.gen(function* () {
      yield* members.claim ?? Effect.void
      rmSync(beside)
      yield* TestClock.adjust(lookEvery - 1)
      expect(existsSync(beside)).toBe(false)
      yield* TestClock.adjust(1)
      expect(existsSync(beside)).toBe(true)
      expect(() => claimDelivery(path, at)).toThrow(`process ${process.pid} on ${hostname()}`)
    }).pipe(Effect.scoped, Effect.provide(TestClock.layer())),
  )
})
