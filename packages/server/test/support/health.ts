import { get } from "node:http"
import { expect } from "vitest"
import { outcome, type Server } from "./command.ts"

export interface Ready {
  readonly status: number
  readonly body: string
}

export const ready = ({ url }: Pick<Server, "url">): Promise<Ready> =>
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
export const readyUntil = async (server: Pick<Server, "url">, status: number): Promise<string> => {
  for (;;) {
    const answer = await ready(server)
    if (answer.status === status) return answer.body
  }
}

/** What `millrace doctor` says. */
export const examined = async (cwd: string, store: string): Promise<ReadonlyArray<string>> => {
  const { stdout, stderr } = await outcome(["doctor", "--store", store], { cwd })
  return `${stdout}${stderr}`.split("\n")
}

/** What `millrace doctor` calls wrong. */
export const doctor = async (cwd: string, store: string): Promise<ReadonlyArray<string>> =>
  (await examined(cwd, store)).filter((line) => /^(wrong|millrace: )/.test(line))

/** Every command that looks at a store does so, whatever it does not take. */
export const lookAround = async (cwd: string, store: string): Promise<void> => {
  for (const command of [["destinations", "list"], ["dead-letters", "list"], ["attempts"]]) {
    const { code, stderr } = await outcome([...command, "--store", store], { cwd })
    expect(code, `${command.join(" ")}: ${stderr}`).toBe(0)
  }
}
