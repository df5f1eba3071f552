import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { expressHandler } from "@millrace/express"
import { adapterContract, hostNotFound } from "@millrace/testkit/vitest"
import express from "express"

adapterContract("express", async (ingest, { prefix, bodyParser, allowOrigin, consume, body }) => {
  const app = express()
  if (allowOrigin !== undefined)
    app.use((_req, res, next) => {
      res.setHeader("access-control-allow-origin", allowOrigin)
      next()
    })
  if (consume) app.use((req, _res, next) => void req.resume().once("end", next))
  if (bodyParser) app.use(express.json())
  app.use(prefix ?? "/", expressHandler(ingest, body))
  app.use(express.json())
  app.post("/mine", (req, res) => void res.json(req.body))
  app.post("/v1/:name", (req, res) => void res.send(req.params.name))
  app.use((_req, res) => void res.status(404).send(hostNotFound))

  const server = await new Promise<Server>((resolve) => {
    const listening: Server = app.listen(0, "127.0.0.1", () => resolve(listening))
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
})
