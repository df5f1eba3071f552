import { describeDisk, smallDisk } from "@millrace/test-servers"
import { describe, expect, it, onTestFinished, test } from "vitest"
import { residentBytes, type Server, serve } from "../support/command.ts"
import { delivered, expectLedger, sentAgain } from "../support/delivered.ts"
import { faultyDisk, noFaultyDisk } from "../support/disk.ts"
import { doctor, lookAround, ready, readyUntil } from "../support/health.ts"
import { type Load, makeLoad } from "../support/load.ts"
import { configured, key, say, seconds, stop, writeConfig } from "../support/pipeline.ts"
import { type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const store = "sqlite:./millrace.db"

const senders = 16

/** Everything that was acknowledged has been delivered, once, and the ledger adds up. */
const endedWell = async (
  directory: string,
  server: Server,
  load: Load,
  receiver: Receiver,
): Promise<void> => {
  await delivered(receiver, load, ["receiver"])
  await stop(server)
  expect(load.unanswered).toEqual(new Set())
  expect(sentAgain(receiver.requests.filter(({ status }) => status < 300))).toEqual([])
  await expectLedger(`sqlite:${directory}/millrace.db`, receiver, load, ["receiver"])
}

describe("a disk that hangs in the middle of a sync", () => {
  const reason = noFaultyDisk()
  if (reason !== undefined) {
    it.skip(`is waited for no longer than a request's time (skipped: ${reason})`)
    return
  }

  test("503 within a request's time, nothing is kept of what was refused, and all goes on by itself", async () => {
    const cwd = tempDir()
    const disk = faultyDisk(cwd)
    const receiver = await receive()
    writeConfig(cwd, { receiver: `${receiver.url}/receiver` })
    const server = await serve(["--store", store], { cwd, env: disk.env })
    // So large that what is refused would fill the memory, were it kept: 50 KB a batch.
    const load = makeLoad(key, senders)
    load.during("up", 5_000)
    const sending = load.send(server.url)
    await load.until(() => load.answers("up").acknowledged >= 200)
    expect((await ready(server)).status).toBe(200)
    const before = residentBytes(server.pid)

    const hungAt = performance.now()
    disk.begin("hang")
    load.during("hung", 5_000)
    expect(await readyUntil(server, 503)).toContain("the store is not reachable")
    await load.until(() => load.answers("hung").refused >= 2_000)
    expect(load.answers("hung").acknowledged).toBe(0)
    const grown = residentBytes(server.pid) - before
    expect(await doctor(cwd, store)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/store +takes no events: it is not reachable: not written within 5000 ms/),
      ]),
    )
    const refusedFor = performance.now() - hungAt

    disk.end()
    load.during("back", 0)
    await load.until(() => load.answers("back").acknowledged >= 200)
    await readyUntil(server, 200)
    load.stop()
    await sending
    await endedWell(cwd, server, load, receiver)
    // 100 MB were refused.
    expect(grown).toBeLessThan(60 * 1024 * 1024)
    say(
      `${load.acknowledged.size} events acknowledged, ${load.refused.size} refused within ${seconds(refusedFor)}, ` +
        `the longest answer after ${seconds(load.longest())}, ${Math.round(grown / 1024 / 1024)} MiB more memory`,
    )
  }, 120_000)
})

describeDisk("a disk that is smaller than the log's cap", () => {
  const mebibytes = 40

  const begin = async () => {
    const disk = smallDisk(mebibytes)
    onTestFinished(() => disk.remove())
    const receiver = await receive()
    const cwd = configured(receiver)
    const store = `sqlite:${disk.directory}/millrace.db`
    const start = () => serve(["--store", store], { cwd })
    return { cwd, disk, receiver, store, start, load: makeLoad(key, senders) }
  }

  const isFull = [expect.stringMatching(/^wrong +store +takes no events: it is full: /)]

  test("takes events for as long as what it has is delivered, however many that are", async () => {
    const { disk, receiver, load, start } = await begin()
    const server = await start()
    load.during("up", 5_000)
    const sending = load.send(server.url)
    // 150 MB.
    await load.until(() => load.answers("up").acknowledged >= 3_000)
    load.stop()
    await sending
    await endedWell(disk.directory, server, load, receiver)
    say(`${load.acknowledged.size} events acknowledged, ${load.refused.size} refused`)
  }, 240_000)

  test("full of what is pending, it says so, can be stopped, looked at and started, and is emptied", async () => {
    const { cwd, disk, receiver, load, store, start } = await begin()
    receiver.answer = 503
    const server = await start()
    load.during("filling", 5_000)
    const sending = load.send(server.url)
    await load.until(() => load.answers("filling").refused >= 100)
    expect(await readyUntil(server, 503)).toContain("the store is full")
    expect(await doctor(cwd, store)).toEqual(expect.arrayContaining(isFull))
    await lookAround(cwd, store)
    load.stop()
    await sending
    await stop(server)

    await lookAround(cwd, store)
    expect(await doctor(cwd, store)).toEqual(expect.arrayContaining(isFull))
    receiver.answer = 200
    const again = await start()
    await delivered(receiver, load, ["receiver"])
    load.during("emptied", 5_000)
    const sendingAgain = load.send(again.url)
    await load.until(() => load.answers("emptied").acknowledged >= 1_000)
    await readyUntil(again, 200)
    load.stop()
    await sendingAgain
    await endedWell(disk.directory, again, load, receiver)
    say(`${load.acknowledged.size} events acknowledged, ${load.refused.size} refused`)
  }, 240_000)

  test("filled by others to the last byte, it goes on with what is pending, also after a restart", async () => {
    const { cwd, disk, receiver, load, store, start } = await begin()
    receiver.answer = 503
    const server = await start()
    load.during("up", 0)
    const sending = load.send(server.url)
    await load.until(() => load.answers("up").acknowledged >= 1_000)
    // All at once: whoever writes while the reserve makes way has it, and then there is none.
    process.kill(server.pid, "SIGSTOP")
    disk.fill()
    process.kill(server.pid, "SIGCONT")
    load.during("filled", 0)
    await load.until(() => load.answers("filled").refused >= 100)
    expect(await readyUntil(server, 503)).toContain("the store is full")
    load.stop()
    await sending
    await stop(server)
    disk.fill()
    await lookAround(cwd, store)

    receiver.answer = 200
    const again = await start()
    expect(await doctor(cwd, store)).toEqual(expect.arrayContaining(isFull))
    await delivered(receiver, load, ["receiver"])
    disk.clear()
    load.during("cleared", 0)
    const sendingAgain = load.send(again.url)
    await load.until(() => load.answers("cleared").acknowledged >= 1_000)
    await readyUntil(again, 200)
    load.stop()
    await sendingAgain
    await endedWell(disk.directory, again, load, receiver)
    say(`${load.acknowledged.size} events acknowledged, ${load.refused.size} refused`)
  }, 240_000)
})
