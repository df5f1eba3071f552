import { get } from "node:http"
import { describe, expect, it, test } from "vitest"
import { outcome, residentBytes, type Server, serve } from "../support/command.ts"
import { delivered, expectLedger, sentAgain } from "../support/delivered.ts"
import { hangingDisk, noHangingDisk } from "../support/disk.ts"
import { type Load, makeLoad } from "../support/load.ts"
import { key, say, seconds, stop, writeConfig } from "../support/pipeline.ts"
import { type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const store = "sqlite:./millrace.db"

const senders = 16

interface Ready {
  readonly status: number
  readonly body: string
}

const ready = ({ url }: Server): Promise<Ready> =>
  new Promise((resolve, reject) => {
    get(`${url}/readyz`, (response) => {
      let body = ""
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text
      })
      response.on("end", () => resolve({ status: response.statusCode!, body }))
    }).on("error", reject)
  })

/** Asks until the answer is of a kind. Returns it. */
const readyUntil = async (server: Server, status: number): Promise<string> => {
  for (;;) {
    const answer = await ready(server)
    if (answer.status === status) return answer.body
  }
}

const doctor = async (cwd: string): Promise<ReadonlyArray<string>> => {
  const { stdout } = await outcome(["doctor", "--store", store], { cwd })
  return stdout.split("\n").filter((line) => line.startsWith("wrong"))
}

/** Everything that was acknowledged has been delivered, once, and the ledger adds up. */
const endedWell = async (cwd: string, server: Server, load: Load, receiver: Receiver): Promise<void> => {
  await delivered(receiver, load, ["receiver"])
  await stop(server)
  expect(load.unanswered).toEqual(new Set())
  expect(sentAgain(receiver.requests)).toEqual([])
  await expectLedger(`sqlite:${cwd}/millrace.db`, receiver, load, ["receiver"])
}

describe("a disk that hangs in the middle of a sync", () => {
  const reason = noHangingDisk()
  if (reason !== undefined) {
    it.skip(`is waited for no longer than a request's time (skipped: ${reason})`)
    return
  }

  test("503 within a request's time, nothing is kept of what was refused, and all goes on by itself", async () => {
    const cwd = tempDir()
    const disk = hangingDisk()
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
    disk.hang()
    load.during("hung", 5_000)
    expect(await readyUntil(server, 503)).toContain("the store is not reachable")
    await load.until(() => load.answers("hung").refused >= 2_000)
    expect(load.answers("hung").acknowledged).toBe(0)
    const grown = residentBytes(server.pid) - before
    expect(await doctor(cwd)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/store +takes no events: it is not reachable: not written within 5000 ms/),
      ]),
    )
    const refusedFor = performance.now() - hungAt

    disk.goOn()
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
