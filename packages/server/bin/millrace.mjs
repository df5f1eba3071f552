#!/usr/bin/env node
// Committed, so that `npm ci` links the command before there is anything built to run.
import { existsSync } from "node:fs"

const main = new URL("../dist/main.js", import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  console.error("millrace: not built yet: run `npm run build` first")
  process.exitCode = 1
}
