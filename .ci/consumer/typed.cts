// The compiler lets a file of CommonJS import modules since TypeScript 5.8.
import { expressHandler } from "@millrace/express"
import { Millrace } from "@millrace/node"

import express = require("express")

export const start = async (): Promise<express.Express> => {
  const millrace = await Millrace.make({ keys: { server: ["secret-consumer"] } })
  return express().use(expressHandler(millrace))
}
