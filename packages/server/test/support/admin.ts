import { type IncomingMessage, type RequestListener, request } from "node:http"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { onTestFinished } from "vitest"
import * as AdminSocket from "../../src/admin/AdminSocket.ts"
import { tempDir } from "./resources.ts"

/** Listens on a socket of its own until the test is over. */
export const listenOn = async (listener: RequestListener): Promise<string> => {
  const path = join(tempDir(), "a.sock")
  const scope = Scope.makeUnsafe()
  await Effect.runPromise(Scope.provide(AdminSocket.listen(path, listener), scope))
  onTestFinished(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return path
}

interface Question {
  readonly method?: string
  readonly path: string
  readonly body?: unknown
  readonly accept?: string
}

/** Asks over a socket; the reply's body is still to be read. */
export const begin = (
  socketPath: string,
  { method = "POST", path, body, accept }: Question,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      ...(accept === undefined ? {} : { accept }),
    }
    const sending = request({ socketPath, method, path, agent: false, headers })
    sending.once("error", reject)
    sending.once("response", resolve)
    sending.end(body === undefined ? "" : JSON.stringify(body))
  })

export interface Reply {
  readonly status: number
  readonly body: unknown
}

export const ask = async (socketPath: string, question: Question): Promise<Reply> => {
  const response = await begin(socketPath, question)
  let text = ""
  for await (const chunk of response.setEncoding("utf8")) text += chunk
  return { status: response.statusCode!, body: JSON.parse(text) }
}
