import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as pause } from "node:timers/promises"
import { parseArgs } from "node:util"
import { contestants } from "./contestants/all.ts"
import { bodies } from "./loop/bodies.ts"
import { cpuTime, driverCore, start } from "./processes.ts"
import type { UploaderAbilities } from "./programs/uploader.ts"
import { machine, print, progress, progressEnd, quantile, table } from "./report.ts"

/**
 * The longest time for which one large body keeps the event loop, from its first byte to the reply:
 * nobody else is served in it. Over HTTP, each body several times.
 */
const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
  },
})

const uploader = await start<UploaderAbilities>("uploader", driverCore)
const { port } = await contestants.memory.start("", {})

/** ms, of `monitorEventLoopDelay`. */
const resolution = 1

/**
 * Asks at every turn of the event loop how much CPU time has been used since the last one: on a
 * busy machine the time that passes says little.
 */
const watchTurns = () => {
  let isOn = true
  let longest = 0
  let last = cpuTime()
  const turn = () => {
    const now = cpuTime()
    longest = Math.max(longest, now - last)
    last = now
    if (isOn) setImmediate(turn)
  }
  setImmediate(turn)
  return () => {
    isOn = false
    return longest / 1000
  }
}

const watch = async (send: () => Promise<string>) => {
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  await pause(20)
  delay.reset()
  const stop = watchTurns()
  const before = cpuTime()
  const reply = await send()
  await pause(20)
  const cpu = (cpuTime() - before) / 1000
  const turn = stop()
  delay.disable()
  return { reply, turn, cpu, wall: delay.max / 1e6 - resolution }
}

const round = (number: number): string => number.toFixed(0)

const rows: Array<ReadonlyArray<string>> = []
for (const name of Object.keys(bodies).filter((one) => one.includes(values.only))) {
  progress(name)
  const size = await uploader.ask("prepare", name)
  const seen = []
  for (let again = 0; again < Number(values.rounds); again++) {
    seen.push(await watch(() => uploader.ask("send", port)))
  }
  const { reply } = seen[0]!
  rows.push([
    name,
    `${(size / 1e6).toFixed(2)} MB`,
    round(
      quantile(
        seen.map(({ turn }) => turn),
        0.5,
      ),
    ),
    round(Math.max(...seen.map(({ turn }) => turn))),
    round(
      quantile(
        seen.map(({ wall }) => wall),
        0.5,
      ),
    ),
    round(
      quantile(
        seen.map(({ cpu }) => cpu),
        0.5,
      ),
    ),
    reply.length > 70 ? `${reply.slice(0, 67)}...` : reply,
  ])
}
progressEnd()
await uploader.stop()
print(
  `The longest turn of the event loop in ms of CPU time (median, most), in ms that passed, and all CPU time. ${machine()}`,
)
for (const line of table(["", "sent", "turn", "most", "passed", "CPU", "reply"], rows)) print(line)
process.exit()
