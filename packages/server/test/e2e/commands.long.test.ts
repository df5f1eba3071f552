/** Over 400 lines because the commands share one running server. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, lstatSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { DatabaseSync } from "@photostructure/sqlite"
import { describe, expect, onTestFinished, test } from "vitest"
import { launch, outcome, type Server, serve } from "../support/command.ts"
import { type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const key = "secret-commands"

/** A server's directory, where commands find its store, and a receiver that it sends to at once. */
const setUp = async () => {
  const cwd = tempDir()
  const receiver = await receive()
  const destination = { id: "hook", url: receiver.url, batch: { maxDelay: 0 } }
  writeFileSync(
    join(cwd, "millrace.config.json"),
    JSON.stringify({ keys: { server: [key] }, destinations: [destination] }),
  )
  return {
    cwd,
    receiver,
    destination,
    database: join(cwd, "millrace.db"),
    start: () => serve([], { cwd }),
    run: (...args: ReadonlyArray<string>) => outcome(args, { cwd }),
  }
}

type Setup = Awaited<ReturnType<typeof setUp>>

const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

/** What a command prints on standard output; it has to end well. */
const output = async ({ run }: Setup, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining("millrace:") })
  return stdout
}

const jsonOutput = async (
  setup: Setup,
  ...args: ReadonlyArray<string>
): Promise<ReadonlyArray<Record<string, unknown>>> =>
  (await output(setup, ...args, "--json"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))

/** Asks again until what is asked for has come about. */
const until = async <A>(ask: () => Promise<A>, condition: (answer: A) => boolean): Promise<A> => {
  for (;;) {
    const answer = await ask()
    if (condition(answer)) return answer
  }
}

/** A failure is one line, and 1. */
const failure = async ({ run }: Setup, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
  expect(stderr).toMatch(/^millrace: .*\n$/)
  return stderr
}

const send = async (setup: Setup, ...names: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const ids: Array<string> = []
  for (const name of names) ids.push((await output(setup, "send", "--name", name)).trim())
  return ids
}

const names = ({ events }: Receiver) => events.map(({ eventName }) => eventName)

const ids = ({ events }: Receiver) => events.map(({ timeUUID }) => timeUUID)

describe("dead letters", () => {
  test("are listed with what was answered, shown, replayed with the same id, marked, and removed", async () => {
    const setup = await setUp()
    const { receiver } = setup
    receiver.answer = (body) => (body.includes("bad") ? { status: 422, body: "no \u001b[31mthanks" } : 200)
    await setup.start()
    // The second shows that the destination takes events, so that it was the first one's fault.
    const [bad] = await send(setup, "bad", "good")
    const list = () => output(setup, "dead-letters", "list")
    const table = await until(list, (text) => text !== "none\n")
    expect(table.split("\n")).toEqual([
      expect.stringMatching(/^id +destination +event +reason +status +died +replayed +message$/),
      expect.stringMatching(
        new RegExp(
          `^${bad}  hook +bad +refused +422 +.* ago +- +answered 422: no \\\\u\\{1b\\}\\[31mthanks$`,
        ),
      ),
      "",
    ])
    expect(await output(setup, "dead-letters", "list", "--destination", "intake")).toBe("none\n")
    expect(await output(setup, "dead-letters", "list", "--before", "1 hour")).toBe("none\n")
    expect(await output(setup, "dead-letters", "show", bad!)).toMatch(
      /^id +\S+\ndestination +hook\n.*message +answered 422.*"eventName":"bad"/s,
    )
    expect(await failure(setup, "dead-letters", "show", "nix")).toContain("there is no dead letter nix")

    const again = await setup.run("dead-letters", "replay", "--destination", "hook")
    expect(again).toMatchObject({ code: 1, stdout: expect.stringMatching(/^0 replayed, 1 failed\n/) })
    receiver.answer = 200
    expect(await output(setup, "dead-letters", "replay", "--destination", "hook", "--id", bad!)).toBe(
      "1 replayed, 0 failed\n",
    )
    expect(names(receiver)).toEqual(["good", "bad"])
    expect(ids(receiver)[1]).toBe(bad)
    expect(await jsonOutput(setup, "dead-letters", "list")).toMatchObject([
      { eventId: bad, status: 422, replayedAt: expect.any(Number) },
    ])

    expect(await output(setup, "dead-letters", "purge", "--id", bad!)).toBe("1 removed\n")
    expect(await list()).toBe("none\n")
  })
})

describe("destinations", () => {
  test("are replayed, stopped and continued, put back and ahead", async () => {
    const setup = await setUp()
    const { receiver } = setup
    await setup.start()
    const sent = await send(setup, "a", "b")
    await receiver.until(() => receiver.events.length === 2)
    expect(ids(receiver)).toEqual(sent)

    expect(await output(setup, "replays", "list")).toBe("none\n")
    const begun = await output(setup, "replay", "--destination", "hook", "--since", "1 hour")
    expect(begun).toMatch(/^replay-\d+ has begun: \S+Z to \S+Z to hook\n$/)
    await receiver.until(() => receiver.events.length === 4)
    expect(ids(receiver)).toEqual([...sent, ...sent])
    const [replay = ""] = begun.split(" ")
    expect(await output(setup, "replays", "follow", replay)).toMatch(/: 2 delivered, 0 failed; done\n$/)
    expect(await output(setup, "replays", "list")).toMatch(
      /^replay +of +destination .*\nreplay-\d+ +a time range +hook .* 2 of 2 +done\n$/,
    )
    expect(await failure(setup, "replays", "cancel", replay)).toContain(`no replay "${replay}" runs`)
    expect(await failure(setup, "replays", "follow", "nix")).toContain('there is no replay "nix"')

    receiver.answer = 503
    const [again = ""] = (await output(setup, "replay", "--destination", "hook", "--since", "1 hour")).split(
      " ",
    )
    const [job] = await until(
      () => jsonOutput(setup, "replays", "list"),
      (jobs) => jobs.some(({ name }) => name === again),
    ).then((jobs) => jobs.filter(({ name }) => name === again))
    expect(job).toMatchObject({ destination: "hook", total: 2, delivered: 0, endedAt: null })
    expect(await output(setup, "replays", "cancel", again)).toBe(`${again} is cancelled\n`)
    const followed = await setup.run("replays", "follow", again)
    expect(followed).toMatchObject({ code: 1, stdout: expect.stringContaining("; stopped: stopped by hand") })
    receiver.answer = 200

    expect(await output(setup, "destinations", "try-now", "hook")).toBe("hook is tried\n")
    const shown = await output(setup, "destinations", "show", "hook")
    expect(shown).toMatch(/^hook: everything\nof the configuration, and changed there\n\n/)
    expect(shown).toContain(`"${receiver.url}"`)
    expect(await failure(setup, "destinations", "show", "nix")).toContain("nix")

    expect(await output(setup, "destinations", "disable", "hook")).toBe("hook is disabled\n")
    await send(setup, "c")
    expect(await jsonOutput(setup, "destinations", "list")).toMatchObject([
      { id: "hook", delivered: 2, pending: 1, lag: expect.any(Number), disabled: { reason: "by-hand" } },
    ])
    expect(await output(setup, "destinations", "skip", "hook")).toBe("hook: 1 event passed over\n")
    await send(setup, "d")
    expect(receiver.events).toHaveLength(4)
    expect(await output(setup, "destinations", "enable", "hook")).toBe("hook is enabled\n")
    await receiver.until(() => receiver.events.length === 5)
    expect(names(receiver)[4]).toBe("d")

    expect(await output(setup, "destinations", "rewind", "hook", "--since", "1 hour")).toBe(
      "hook: 4 events due once more\n",
    )
    await receiver.until(() => receiver.events.length === 9)
    expect(names(receiver).slice(5)).toEqual(["a", "b", "c", "d"])
    const list = () => output(setup, "destinations", "list")
    const table = await until(list, (text) => text.includes("  7  "))
    expect(table).toMatch(/^id +state +delivered +filtered .*\nhook +ok +7 +0 +0 +0 +0 +- +- +closed\n$/)
  })

  test("can be added while the server runs, are there after a restart, and go when they are removed", async () => {
    const setup = await setUp()
    const other = await receive()
    const first = await setup.start()
    const config = JSON.stringify({ url: other.url, batch: { maxDelay: 0 }, filter: { include: ["new_*"] } })
    expect(await output(setup, "destinations", "add", config, "--id", "other")).toBe('"other" is added\n')
    await send(setup, "old", "new_1")
    await other.until(() => other.events.length === 1)
    await stop(first)

    const second = await setup.start()
    expect(second.stderr()).toContain("destinations=hook,other")
    await send(setup, "new_2")
    await other.until(() => other.events.length === 2)
    expect(names(other)).toEqual(["new_1", "new_2"])

    const { code, stderr } = await setup.run("destinations", "add", '{"id":"other","url":"x","nope":1}')
    expect(code).toBe(1)
    expect(stderr.split("\n").sort()).toEqual([
      "",
      "millrace: id: there is a destination of this id already",
      "millrace: nope: unknown key",
      "millrace: url: expected a URL with http or https",
    ])
    expect(await failure(setup, "destinations", "remove", "hook")).toContain("take it out there first")
    expect(await output(setup, "destinations", "remove", "other")).toBe("other is removed\n")
    expect(await jsonOutput(setup, "destinations", "list")).toMatchObject([{ id: "hook" }])
  })

  test("a filter is tried on what has come", async () => {
    const setup = await setUp()
    await setup.start()
    await send(setup, "checkout_a", "checkout_b", "other")
    const filter = '{"include":["checkout_*"]}'
    expect(
      await output(setup, "destinations", "try-filter", filter, "--fields", '{"drop":["user.userID"]}'),
    ).toMatch(
      /^2 of the newest 3 events would pass\n\nevent +seen +passed\n.*checkout_a +1 +1\n.*"eventName":"checkout_b"/s,
    )
    expect(await failure(setup, "destinations", "try-filter", '{"nope":1}')).toBe(
      "millrace: filter.nope: unknown key\n",
    )
  })
})

describe("tail", () => {
  test("prints what is accepted from then on, as receivers get it, until it is interrupted", async () => {
    const setup = await setUp()
    await setup.start()
    await send(setup, "before")
    const tail = launch(["tail"], { cwd: setup.cwd })
    const some = launch(["tail", "--destination", "hook", "--filter", "b*"], { cwd: setup.cwd })
    await tail.until(() => tail.stderr() === "waiting for events\n")
    await some.until(() => some.stderr() === "waiting for events\n")
    await send(setup, "a", "b")
    await tail.until(() => tail.stdout().split("\n").length === 3)
    await some.until(() => some.stdout().includes("\n"))
    await setup.receiver.until(() => setup.receiver.events.length === 3)
    const lines = (text: string) =>
      text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
    expect(lines(tail.stdout())).toEqual(setup.receiver.events.slice(1))
    expect(lines(some.stdout())).toEqual(setup.receiver.events.slice(2))
    tail.kill("SIGINT")
    some.kill("SIGTERM")
    expect(await tail.ended).toEqual({ code: 0, signal: null })
    expect(await some.ended).toEqual({ code: 0, signal: null })
  })

  test("ends when whoever reads it has gone, and says so when the server stops", async () => {
    const setup = await setUp()
    const server = await setup.start()
    const bin = fileURLToPath(new URL("../../bin/millrace.mjs", import.meta.url))
    const child = spawn(process.execPath, [bin, "tail"], {
      cwd: setup.cwd,
      stdio: ["ignore", "pipe", "pipe"],
    })
    onTestFinished(() => void child.kill("SIGKILL"))
    const ended = once(child, "close")
    await once(child.stderr, "data")
    child.stdout.destroy()
    await send(setup, "a")
    expect(await ended).toEqual([0, null])

    const tail = launch(["tail"], { cwd: setup.cwd })
    await tail.until(() => tail.stderr().includes("waiting"))
    await stop(server)
    expect(await tail.ended).toEqual({ code: 1, signal: null })
    expect(tail.stderr()).toContain("millrace: the server has gone")
  })
})

describe("send", () => {
  test("takes a whole event in, and refuses what is none", async () => {
    const setup = await setUp()
    const { receiver } = setup
    await setup.start()
    const event =
      '{"event":"bought","user":{"userID":"u","country":"NZ"},"metadata":{"sku":"1"},"timestamp":1769860800000}'
    const id = (await output(setup, "send", "--json", event, "--value", "9.5")).trim()
    await receiver.until(() => receiver.events.length === 1)
    expect(receiver.events).toMatchObject([
      {
        eventName: "bought",
        user: { userID: "u", country: "NZ" },
        value: "9.5",
        metadata: { sku: "1" },
        timestamp: 1769860800000,
        timeUUID: id,
      },
    ])
    const { code, stderr } = await setup.run("send", "--json", '{"eventName":"x"}')
    expect(code).toBe(1)
    expect(stderr).toBe("millrace: eventName: unknown key\nsee millrace send --help\n")
  })
})

test("attempts are listed, with what comes next", async () => {
  const setup = await setUp()
  const { receiver } = setup
  receiver.answer = 503
  await setup.start()
  await send(setup, "a")
  // On a busy machine there may have been more by now.
  await receiver.until(() => receiver.requests.length >= 1)
  receiver.answer = 200
  await receiver.until(() => receiver.events.length === 1)
  const list = () => jsonOutput(setup, "attempts", "--destination", "hook")
  const attempts = await until(list, (all) => all.length >= 2)
  expect(attempts[0]).toMatchObject({ outcome: "delivered", status: 200, events: 1, error: null })
  const failures = await output(setup, "attempts", "--failures")
  expect(failures).toMatch(
    /^when +destination +outcome .*\n.*ago +hook +not-now +503 +1 +\d+ ms +after .* \(back-off\) +answered 503\n/,
  )
  expect(failures).not.toContain("delivered")
})

test("a destination that is not there is a mistake that names those that are, whatever the command", async () => {
  const setup = await setUp()
  await setup.start()
  for (const args of [
    ["attempts", "--destination", "hok"],
    ["dead-letters", "list", "--destination", "hok"],
    ["dead-letters", "purge", "--destination", "hok"],
    ["dead-letters", "replay", "--destination", "hok"],
    ["replay", "--destination", "hok", "--since", "1 hour"],
    ["tail", "--destination", "hok"],
    ...["remove", "disable", "enable", "skip"].map((action) => ["destinations", action, "hok"]),
    ["destinations", "rewind", "hok", "--since", "1 hour"],
  ]) {
    expect(await failure(setup, ...args), args.join(" ")).toBe(
      'millrace: no destination "hok" is configured (there is hook): did you mean hook?\n',
    )
  }
  for (const args of [
    ["attempts", "--destination", "hook"],
    ["dead-letters", "list", "--destination", "hook"],
    ["dead-letters", "list", "--destination", "intake"],
  ]) {
    expect(await output(setup, ...args)).toBe("none\n")
  }
})

describe("doctor", () => {
  test("finds nothing wrong where nothing is", async () => {
    const setup = await setUp()
    const server = await setup.start()
    await send(setup, "a")
    await setup.receiver.until(() => setup.receiver.events.length === 1)
    const text = await output(setup, "doctor")
    expect(text).toContain(`at ${server.url}, process ${server.pid},`)
    expect(text).toMatch(/^ok +ledger +adds up for 1 of 1 destinations$/m)
    expect(text).not.toMatch(/^wrong/m)
    await stop(server)
    expect(await jsonOutput(setup, "doctor")).toContainEqual({
      name: "server",
      level: "note",
      message: "none runs on this store",
    })
  })

  test("says what does not add up, and by how much; what is outside the log or damaged; who has gone", async () => {
    const setup = await setUp()
    setup.receiver.answer = 410
    const server = await setup.start()
    await send(setup, "a", "b")
    const list = () => jsonOutput(setup, "destinations", "list")
    await until(list, ([row]) => row!["disabled"] !== null)
    await stop(server)

    const tamper = (sql: string) => {
      const database = new DatabaseSync(setup.database)
      database.exec(sql)
      database.close()
    }
    const wrong = async () => {
      const { code, stdout } = await setup.run("doctor")
      expect(code).toBe(1)
      return stdout.split("\n").filter((line) => line.startsWith("wrong"))
    }
    const gone = expect.stringMatching(/^wrong +destination +hook: disabled .* ago, since it answered 410; /)
    expect(await wrong()).toEqual([gone])
    tamper("UPDATE cursors SET state = json_set(state, '$.delivered', 7)")
    const found = await wrong()
    expect(found).toEqual([
      expect.stringMatching(
        /^wrong +ledger +hook: due 2, but delivered 7 \+ filtered 0 \+ dead 0 \+ trimmed 0 \+ pending 2 = 9: 7 events too many$/,
      ),
      expect.stringMatching(/^wrong +ledger +hook: delivered 7, but sent only \d+$/),
      gone,
    ])
    tamper("UPDATE cursors SET position = '0000000000000099'")
    expect(await wrong()).toContainEqual(
      expect.stringMatching(/^wrong +cursors +hook\/0: lies beyond the log's end$/),
    )
    tamper("UPDATE cursors SET state = 'x'")
    expect(await wrong()).toContainEqual(
      expect.stringMatching(/^wrong +cursors +hook\/0: was written by another version, or is damaged$/),
    )
  })
})

describe("without a server", () => {
  test("commands work on the file, deliver nothing, and what they change takes effect with the next server", async () => {
    const setup = await setUp()
    const { receiver } = setup
    const server = await setup.start()
    const sent = await send(setup, "a")
    await receiver.until(() => receiver.events.length === 1)
    await stop(server)
    expect(existsSync(`${setup.database}.sock`)).toBe(false)

    const { stdout, stderr } = await setup.run("destinations", "list")
    expect(stdout).toMatch(/^id .*\nhook +ok +1 /)
    expect(stderr).toBe("no server runs on this store: nothing is delivered\n")
    expect(await output(setup, "replay", "--destination", "hook", "--since", "1 hour")).toContain(
      "will begin when a server runs",
    )
    expect(await failure(setup, "send")).toContain("no server runs on this store")
    expect(await failure(setup, "dead-letters", "replay", "--destination", "hook")).toContain(
      "a server has to run on this store",
    )
    expect(await failure(setup, "tail", "--destination", "hook")).toContain(
      "a server has to run on this store",
    )
    expect(await failure(setup, "destinations", "disable", "nix")).toBe(
      'millrace: no destination "nix" is configured (there is hook)\n',
    )
    expect(receiver.events).toHaveLength(1)

    await setup.start()
    await receiver.until(() => receiver.events.length === 2)
    expect(ids(receiver)).toEqual([...sent, ...sent])
  })

  test("nothing is changed under a process that would not notice, but all can be looked at", async () => {
    const setup = await setUp()
    await stop(await setup.start())
    // As a program has it open that has Millrace inside.
    const database = new DatabaseSync(setup.database)
    onTestFinished(() => database.close())
    database.exec("SELECT * FROM cursors")
    for (const args of [
      ["disable", "hook"],
      ["skip", "hook"],
      ["add", "--id", "x", "--url", "http://x.test"],
    ]) {
      expect(await failure(setup, "destinations", ...args)).toContain("a process without an admin socket has")
    }
    expect(await jsonOutput(setup, "destinations", "list")).toMatchObject([{ id: "hook", disabled: null }])
  })

  test("a store that cannot be reached is told", async () => {
    const setup = await setUp()
    expect(await failure(setup, "doctor")).toContain("there is no store sqlite:./millrace.db")
    expect(await failure(setup, "doctor", "--store", "memory:")).toContain("inside the server's process")
    writeFileSync(setup.database, "x".repeat(4096))
    expect(await failure(setup, "doctor")).toContain("not a")
    expect(existsSync(`${setup.database}-wal`)).toBe(false)
  })
})

describe("the admin socket", () => {
  test("is the user's alone, survives being killed, and is not needed", async () => {
    const setup = await setUp()
    const socket = `${setup.database}.sock`
    const killed = await setup.start()
    expect(lstatSync(socket).mode & 0o777).toBe(0o600)
    killed.kill("SIGKILL")
    await killed.ended
    expect(existsSync(socket)).toBe(true)
    // Nobody listens there: the file is opened.
    expect(await jsonOutput(setup, "doctor")).toContainEqual(
      expect.objectContaining({ name: "server", level: "note" }),
    )
    const second = await setup.start()
    expect(await output(setup, "doctor")).toContain(`process ${second.pid},`)
    await stop(second)
    expect(existsSync(socket)).toBe(false)

    writeFileSync(socket, "")
    const without = await setup.start()
    expect(without.stderr()).toContain("no admin socket: commands cannot reach this server")
    expect(await failure(setup, "destinations", "disable", "hook")).toContain(
      "a process without an admin socket",
    )
    await stop(without)
    expect(existsSync(socket)).toBe(true)
  })
})
