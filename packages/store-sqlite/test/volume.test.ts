import { join } from "node:path"
import { layer } from "@millrace/store-sqlite"
import { describeDisk, smallDisk } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { expect, it, onTestFinished } from "vitest"

const mebibyte = 1024 * 1024

describeDisk("a disk that is smaller than the log's cap", () => {
  it("is warned of at every start, once, with both figures", async () => {
    const disk = smallDisk(40)
    onTestFinished(() => disk.remove())
    const warningsOf = async (maxBytes: number) => {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => {
        lines.push(String(message))
      })
      await Effect.runPromise(
        Effect.scoped(Layer.build(layer({ path: join(disk.directory, "millrace.db"), maxBytes }))).pipe(
          Effect.provide(Logger.layer([logger])),
        ),
      )
      return lines
    }
    const small = expect.stringMatching(
      /millrace.db: the log may take 41943041 bytes \(maxBytes\), and the disk has 41\d{6} for it in all/,
    )
    for (let start = 0; start < 2; start++) {
      expect(await warningsOf(40 * mebibyte + 1)).toEqual([small])
      expect(await warningsOf(38 * mebibyte)).toEqual([])
    }
  })
})
