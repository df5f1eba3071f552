import { readFileSync } from "node:fs"
import { request } from "node:http"
import { setTimeout as delay } from "node:timers/promises"
import type { Server } from "./command.ts"

/** The processes that a server has started. */
export const workersOf = ({ pid }: Pick<Server, "pid">): ReadonlyArray<number> =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number)

const isAlive = (pid: number): boolean => {
  try {
    // The state is Z for one that has ended and whose parent has not noticed yet.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}

/** Resolves once none of the processes is there. */
export const gone = async (pids: ReadonlyArray<number>): Promise<void> => {
  while (pids.some(isAlive)) await delay(10)
}

/** Over a connection of its own: one that is kept may be to a worker that has been killed. */
const get = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request(url, { agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
      })
      response.once("end", () => resolve(text))
      response.once("error", reject)
    })
      .once("error", reject)
      .end()
  })

/** The value of one line of `GET /metrics`; 0 when it is not there. */
export const metricOf = async ({ url }: Pick<Server, "url">, name: string): Promise<number> => {
  const text = await get(`${url}/metrics`)
  const line = text.split("\n").find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length) ?? 0)
}

/** Resolves once so many workers take events. */
export const workersListen = async (server: Pick<Server, "url">, count: number): Promise<void> => {
  while ((await metricOf(server, "millrace_workers")) !== count) await delay(20)
}
