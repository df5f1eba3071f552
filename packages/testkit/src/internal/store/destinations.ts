import type { Destinations } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { type Suite, start } from "./suite.ts"

export const destination = (
  id: string,
  changes: Partial<Destinations.DestinationRecord> = {},
): Destinations.DestinationRecord => ({ id, config: null, disabled: null, createdAt: start, ...changes })

export const destinations = ({ check }: Suite): void => {
  check("keeps records, by id", (open) =>
    Effect.gen(function* () {
      const { destinations: port } = yield* open()
      expect(yield* port.list).toEqual([])
      expect(yield* port.get("lake")).toBeNull()
      const records = [
        destination("warehouse", { config: `{"url":"https://example.com/it's"}` }),
        destination("lake", {
          disabled: { at: start + 1, reason: "gone" },
          selection: { digest: "0a1b2c3d", since: start + 3 },
        }),
        destination("unchanged", { selection: { digest: "0a1b2c3d", since: null } }),
        destination("by-hand", { disabled: { at: start + 2, reason: "by-hand" } }),
        destination("Unconfigured", { disabled: { at: 0, reason: "unconfigured" }, createdAt: 0 }),
      ]
      for (const record of records) yield* port.put(record)
      for (const record of records) expect(yield* port.get(record.id)).toEqual(record)
      expect((yield* port.list).map(({ id }) => id)).toEqual([
        "Unconfigured",
        "by-hand",
        "lake",
        "unchanged",
        "warehouse",
      ])
    }),
  )

  check("put replaces the whole record, remove takes it away", (open) =>
    Effect.gen(function* () {
      const { destinations: port } = yield* open()
      yield* port.put(
        destination("lake", {
          config: "{}",
          disabled: { at: start, reason: "by-hand" },
          selection: { digest: "0a1b2c3d", since: null },
        }),
      )
      yield* port.put(destination("lake", { createdAt: start + 5 }))
      expect(yield* port.list).toEqual([destination("lake", { createdAt: start + 5 })])
      yield* port.remove("lake")
      yield* port.remove("never there")
      expect(yield* port.get("lake")).toBeNull()
      expect(yield* port.list).toEqual([])
    }),
  )
}
