import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Action } from "@millrace/core/host"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { expect, onTestFinished, test } from "vitest"
import * as AdminHttp from "../../src/admin/AdminHttp.ts"
import { Caller, type Role } from "../../src/admin/Caller.ts"

const watch = Action.telling({
  path: "watch",
  summary: "Tell what there is.",
  changes: false,
  input: Action.Nothing,
  event: Schema.Struct({ value: Schema.String }),
  errors: [],
  takes: () => ({}),
})

test("what several streams tell is written as JSON once for each role", async () => {
  let written = 0
  const value = {
    toJSON: () => {
      written += 1
      return "a value"
    },
  }
  const event = { value } as unknown as { readonly value: string }
  const service = { watch: () => Effect.succeed(Stream.make(event, event)) }
  const answer = AdminHttp.make({ watch }, service)
  const server = createServer((req, res) => {
    const role = req.headers["x-role"] as Role
    const context = Context.make(Caller, { name: role, role })
    answer(req, res, "watch", () => Effect.succeed(context as Context.Context<never>))
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const ask = async (role: Role) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const headers = { "content-type": "application/json", "x-role": role }
    return (await fetch(url, { method: "POST", body: "{}", headers })).text()
  }
  const line = '{"value":"a value"}\n'
  for (let views = 0; views < 3; views++) expect(await ask("full")).toBe(line + line)
  expect(written).toBe(1)
  for (let views = 0; views < 3; views++) expect(await ask("read")).not.toContain("a value")
  expect(written).toBe(1)
})
