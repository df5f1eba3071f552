import { describe, expect, it } from "vitest"
import { fromReply } from "../src/errors.ts"

describe("Redis's error replies", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "Full", /maxmemory/],
    [
      "ERR Error running script (call to f_ab): @user_script:9: @user_script: 9: -OOM command not allowed when used memory",
      "Full",
      /maxmemory/,
    ],
    ["LOADING Redis is loading the dataset in memory", "Unavailable", /loading/],
    ["READONLY You can't write against a read only replica.", "ReadOnly", /replica/],
    [
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      "ReadOnly",
      /master/,
    ],
    ["MISCONF Errors writing to the AOF file: No space left on device", "Full", /disk is full/],
    ["MISCONF Redis is configured to save RDB snapshots, but", "ReadOnly", /disk/],
    ["MOVED 866 10.0.0.2:6379", "Unavailable", /another node/],
    ["NOAUTH Authentication required.", "Unavailable", /wants a password/],
    [
      "WRONGPASS invalid username-password pair or user is disabled.",
      "Unavailable",
      /wrong user or password/,
    ],
    [
      "NOPERM this user has no permissions to run the 'eval' command",
      "Unavailable",
      /missing privileges: .*'eval'/,
    ],
    ["ERR max number of clients reached", "Unavailable", /no more connections/],
    ["ERR DB index is out of range", "Unavailable", /no database/],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", "Corrupt", /never wrote/],
    ["EMPTIED the keys are gone or others", "Unavailable", /emptied/],
    [
      "ERR user_script:31: DAMAGED the log lacks an entry script: 8ff, on @user_script:31.",
      "Corrupt",
      /lost/,
    ],
    ["ERR something nobody has heard of script: 8ff, on @user_script:31.", "Unavailable", /heard of$/],
  ])("%s", (reply, tag, message) => {
    const error = fromReply(new Error(reply), "redis://h:6379/0")
    expect(error.reason._tag).toBe(tag)
    expect(error.message).toMatch(/^redis:\/\/h:6379\/0: /)
    expect(error.message).toMatch(message)
  })
})
