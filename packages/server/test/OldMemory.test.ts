import { expect, it } from "vitest"
import * as OldMemory from "../src/OldMemory.ts"

const megabyte = 1024 * 1024

/** A look at memory that is so large, one number after the other. */
const lookAt = (...megabytes: ReadonlyArray<number>) => {
  const begun: Array<number> = []
  let at = -1
  const look = OldMemory.makeLook(
    () => megabytes[at]! * megabyte,
    () => begun.push(at),
  )
  for (at = 0; at < megabytes.length; at++) look()
  return begun
}

it("begins a collection once memory has grown by 16 MB", () => {
  expect(lookAt(30, 40, 45, 45.9, 46)).toEqual([4])
})

it("counts from the least there was", () => {
  expect(lookAt(30, 20, 35, 36)).toEqual([3])
})

it("lets what is large grow by a third", () => {
  expect(lookAt(120, 136, 159, 160)).toEqual([3])
})

it("begins no other one before the first is done, and counts from what that has left", () => {
  expect(lookAt(30, 46, 111, 120, 130, 40, 55, 56)).toEqual([1, 7])
})
