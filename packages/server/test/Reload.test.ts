import { InvalidOptions } from "@millrace/core"
import { type LogLine, LogText } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import { describe, expect, test } from "vitest"
import { isBeforeTerminal } from "../src/commands/serve.ts"
import { needRestart } from "../src/config/needRestart.ts"
import * as Reload from "../src/Reload.ts"
import { ConfigError } from "../src/text/Mistake.ts"
import { fileOf, load } from "./support/config.ts"

const configOf = (content: object) => load({ config: fileOf(content) })

const first = { keys: { server: ["s3cret"] }, destinations: [{ id: "a", url: "https://a.example" }] }

/** What a reload says. */
const saidOf = async (
  options: Pick<Reload.ReloadOptions, "load"> & { readonly refused?: InvalidOptions },
): Promise<ReadonlyArray<string>> => {
  const lines: Array<LogLine> = []
  const report = { added: ["b"], changed: [], removed: ["c", "d"] }
  const reload = Reload.make({
    config: await configOf(first),
    load: options.load,
    server: Effect.succeed({
      reconfigure: () =>
        options.refused === undefined ? Effect.succeed(report) : Effect.fail(options.refused),
    }),
    log: (line) => lines.push(line),
  })
  await Effect.runPromise(reload)
  return lines.map((line) => LogText.asText(line, new Date(0)).slice("1970-01-01T00:00:00.000Z ".length))
}

describe("a configuration that is read again", () => {
  test("is told in one line, with what needs a restart", async () => {
    const next = await configOf({ ...first, port: 1, workers: 2, store: "memory:", client: { ip: "keep" } })
    expect(await saidOf({ load: Effect.succeed(next) })).toEqual([
      "INFO  the configuration has been read again destinations=a added=b removed=c,d keys=1 needsRestart=port,store,workers,client\n",
    ])
  })

  test("and in one line when it cannot be used, or cannot be run", async () => {
    const mistakes = ["first", "second"].map((message) => ({ where: "config.json:1:1", message }))
    expect(await saidOf({ load: Effect.fail(new ConfigError({ mistakes })) })).toEqual([
      'ERROR the configuration cannot be used: all goes on as before reason="config.json:1:1: first; config.json:1:1: second"\n',
    ])
    const refused = new InvalidOptions({ problems: [{ path: "keys", message: "no key is configured" }] })
    expect(await saidOf({ load: Effect.succeed(await configOf(first)), refused })).toEqual([
      'ERROR the configuration cannot be used: all goes on as before reason="keys: no key is configured"\n',
    ])
    expect(await saidOf({ load: Effect.die(new Error("a mistake of ours")) })).toEqual([
      expect.stringMatching(/^ERROR the configuration cannot be used: .*a mistake of ours/),
    ])
  })

  test("needs no restart for destinations and keys", async () => {
    const before = await configOf(first)
    expect(needRestart(before, await configOf(first))).toEqual([])
    expect(needRestart(before, await configOf({ keys: { client: ["k"] }, waitForStore: 1 }))).toEqual([])
    expect(needRestart(before, await configOf({ receive: { statsigSecret: "x" } }))).toEqual([
      "receive.statsigSecret",
    ])
  })
})

test("SIGHUP comes from a terminal where a standard stream is one", () => {
  expect(isBeforeTerminal(() => false)).toBe(false)
  for (const terminal of [0, 1, 2]) {
    expect(isBeforeTerminal((descriptor) => descriptor === terminal)).toBe(true)
  }
})
