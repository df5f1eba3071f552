// A program of CommonJS, as most of Node's were for ten years: `require` takes the same packages.
const { expressHandler } = require("@millrace/express")
const { createServer, Millrace } = require("@millrace/node")
const Sqlite = require("@millrace/store-sqlite")
const { webHandler } = require("@millrace/web")
const express = require("express")

const event = JSON.stringify({ user: { userID: "user_1" }, event: "signed_up", timestamp: Date.now() })
const asked = { method: "POST", headers: { "statsig-api-key": "secret-consumer" }, body: event }

const main = async () => {
  const millrace = await Millrace.make({
    store: Sqlite.layer({ path: `./required-by-${process.version}.db` }),
    keys: { server: ["secret-consumer"] },
  })
  const server = createServer(millrace)
  const { port } = await server.listen(0)
  express().use(expressHandler(millrace))
  const url = `http://127.0.0.1:${port}/v1/webhooks/event_webhook`
  for (const reply of [await fetch(url, asked), await webHandler(millrace)(new Request(url, asked))])
    if (reply.status !== 202) throw new Error(`answered ${reply.status}: ${await reply.text()}`)
  await server.close()
  await millrace.close()
  console.log(`required by Node ${process.version}`)
}

main()
