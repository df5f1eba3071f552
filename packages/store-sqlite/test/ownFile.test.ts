import { chmodSync, statSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { describe, expect, it } from "vitest"
import { layer } from "../src/index.ts"
import { tooWideMode } from "../src/ownFile.ts"
import { entry, freshPath, withStore } from "./support/store.ts"

const modeOf = (path: string): number => statSync(path).mode & 0o777

describe.skipIf(process.platform === "win32")("files of the store", () => {
  it("can be read by their user alone from the beginning, companions too", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        yield* log.append([entry(1)])
        expect(["", "-wal", "-shm"].map((suffix) => modeOf(path + suffix))).toEqual([0o600, 0o600, 0o600])
      }),
    )
  })

  it("keep a wider mode that they have, and say so", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) => log.append([entry(1)]))
    expect(tooWideMode(path)).toBe(null)
    chmodSync(path, 0o640)
    const warned: Array<string> = []
    const logger = Logger.make<unknown, void>(({ message }) => void warned.push(String(message)))
    await Effect.runPromise(
      Effect.scoped(Layer.build(layer({ path }))).pipe(Effect.provide(Logger.layer([logger]))),
    )
    expect(modeOf(path)).toBe(0o640)
    expect(warned).toEqual([
      expect.stringContaining("other users of this machine can reach files of the store"),
    ])
  })
})
