import { expect, test } from "vitest"
import * as LaneState from "../../src/deliver/LaneState.ts"

test("a state that was written before suspects had tries, and lanes a time of their own, is read as it is", () => {
  const { v, from, delivered, filtered, dead, trimmed, sent, failures, probing, open, until } =
    LaneState.initial(3)
  const written = {
    ...{ v, from, delivered, filtered, dead, trimmed, sent, failures, probing, open, until },
    failingSince: 1_795_296_100_000,
    suspects: [{ after: "0001", index: 2, kind: "poison", strikes: 3, open: true, due: 5 }],
  }
  expect(LaneState.decode(JSON.stringify(written))).toEqual(written)
})
