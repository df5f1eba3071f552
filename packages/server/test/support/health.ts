import { get } from "node:http"
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

/** What `millrace doctor` calls wrong. */
export const doctor = async (cwd: string, store: string): Promise<ReadonlyArray<string>> => {
  const { stdout, stderr } = await outcome(["doctor", "--store", store], { cwd })
  return `${stdout}${stderr}`.split("\n").filter((line) => /^(wrong|millrace: )/.test(line))
}
