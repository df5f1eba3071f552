import { request } from "node:http"
import { bodies } from "../loop/bodies.ts"
import { offer } from "../processes.ts"
import { key } from "../requests.ts"

let body: Buffer = Buffer.alloc(0)

const abilities = {
  /** Makes a body ready, and says how large it is. */
  prepare: (name: string): number => {
    body = bodies[name]!()
    return body.length
  },
  /** Sends it, and tells the reply. */
  send: (port: number) =>
    new Promise<string>((resolve, reject) => {
      const headers = {
        "statsig-api-key": key,
        "statsig-sdk-type": "statsig-node",
        "content-length": body.length,
      }
      const sending = request(
        { port, host: "127.0.0.1", path: "/v1/log_event", method: "POST", headers },
        (res) => {
          const chunks: Array<Buffer> = []
          res.on("data", (chunk: Buffer) => chunks.push(chunk))
          res.on("end", () => resolve(`${res.statusCode} ${Buffer.concat(chunks).toString()}`))
        },
      )
      sending.on("error", reject)
      sending.end(body)
    }),
}

export type UploaderAbilities = typeof abilities

offer(abilities)
