import { Generations, Position } from "@millrace/core/store"
import { describe, expect, it } from "vitest"
import { isAnswer, isPassing, storeErrorOf } from "../src/errors.ts"

const error = (code: string | undefined, message = "what the server says") =>
  Object.assign(new Error(message), code === undefined ? {} : { code })

const generations = new Generations([{ generation: 2, number: 10 }])

describe("what errors mean", () => {
  it.each([
    ["28P01", "Unavailable", /refuses this user or password/],
    ["3D000", "Unavailable", /no such database/],
    ["42501", "Unavailable", /privilege/],
    ["53300", "Unavailable", /no connection left/],
    ["53100", "Full", /disk is full/],
    ["25006", "ReadOnly", /read-only/],
    ["57P01", "Unavailable", /ended the connection/],
    ["57P03", "Unavailable", /starting up/],
    ["40P01", "Unavailable", /40P01/],
    ["0A000", "Unavailable", /0A000/],
    ["42P01", "Corrupt", /tables are not those/],
    ["XX001", "Corrupt", /damaged/],
    ["ML004", "Corrupt", /what the server says/],
    ["ML003", "LevelTooLow", /no longer give/],
    ["ECONNREFUSED", "Unavailable", /no connection \(ECONNREFUSED\)/],
    [undefined, "Unavailable", /no connection \(what the server says\)/],
  ])("%s is %s", (code, tag, message) => {
    const found = storeErrorOf(error(code), "here", generations)
    expect(found?.reason._tag).toBe(tag)
    expect(found?.message).toMatch(message)
    expect(found?.message).toMatch(/^here: /)
  })

  it("a position outside the log comes with the log's bounds", () => {
    expect(storeErrorOf(error("ML002", "3 17"), "here", generations)?.reason).toEqual({
      _tag: "OutOfRange",
      tail: Position.fromNumber(3),
      head: Position.of(Position.prefixOf(2), 17),
      resumeAt: Position.fromNumber(3),
    })
  })

  it("a statement that does not fit is a mistake of this program", () => {
    for (const code of ["42601", "22P02", "23505"])
      expect(storeErrorOf(error(code), "here", generations)).toBeNull()
  })

  it("what was rolled back for others' sake is tried again, and an answer keeps the connection", () => {
    expect(
      ["40001", "40P01", "ML001", "53100", "ECONNRESET"].filter((code) => isPassing(error(code))),
    ).toEqual(["40001", "40P01", "ML001"])
    expect(
      ["23505", "ML002", "57014", "57P01", "25006", "08006", "ECONNRESET", undefined].filter((code) =>
        isAnswer(error(code)),
      ),
    ).toEqual(["23505", "ML002", "57014"])
  })
})
