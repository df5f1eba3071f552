// Packs every package as it would be published, and holds the tarballs to what their users need:
// the right files, valid exports, types that resolve, and a program outside of this repository that
// installs, type-checks against and runs them.
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const bin = (name) => join(root, "node_modules", ".bin", name)

const run = (command, args, cwd) => {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.stdout}${error.stderr}`)
  }
}

const packages = readdirSync(join(root, "packages"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => join(root, "packages", name))
  .map((path) => ({ path, manifest: JSON.parse(readFileSync(join(path, "package.json"), "utf8")) }))
  .filter(({ manifest }) => manifest.private !== true)

const pack = ({ path, manifest }, into) => {
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", into], path))
  const names = files.map((file) => file.path)
  for (const needed of ["package.json", "README.md", "LICENSE"]) {
    assert(names.includes(needed), `${manifest.name}: ${needed} is missing`)
  }
  const strange = names.filter(
    (name) =>
      !/^(package\.json|README\.md|LICENSE|bin\/.*\.mjs|dist\/.*\.(js|d\.ts)|dist\/page\/.*\.(html|css|svg))$/.test(
        name,
      ),
  )
  assert.deepEqual(strange, [], `${manifest.name}: nobody needs these files`)
  return join(into, filename)
}

const consumer = {
  "package.json": (tarballs) => ({
    name: "consumer",
    private: true,
    type: "module",
    dependencies: {
      ...Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`])),
      effect: "4.1.0",
      express: "5.3.0",
      fastify: "5.12.8",
    },
    devDependencies: {
      "@types/express": "5.0.6",
      "@types/node": "20.19.43",
      typescript: "5.9.3",
      vitest: "4.1.12",
    },
  }),
  "tsconfig.json": () => ({
    compilerOptions: {
      module: "NodeNext",
      target: "ES2022",
      // Effect's own declarations name types of the DOM.
      lib: ["ES2023", "DOM"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
    },
    include: ["*.ts"],
  }),
}

/**
 * Mounts one Millrace in every host, on a file, and sees its events come out of the test kit's
 * pipeline too.
 */
const program = `
import { createServer as createReceiver } from "node:http"
import type { AddressInfo } from "node:net"
import { Filter, Store } from "@millrace/core"
import { expressHandler } from "@millrace/express"
import millracePlugin from "@millrace/fastify"
import { createServer, Millrace } from "@millrace/node"
import * as Sqlite from "@millrace/store-sqlite"
import { testPipeline } from "@millrace/testkit"
import express from "express"
import Fastify from "fastify"

const names: Array<string> = []
const receiver = createReceiver(async (req, res) => {
  let text = ""
  for await (const chunk of req) text += chunk
  for (const event of JSON.parse(text)) names.push(event.eventName)
  res.end()
})
await new Promise<void>((resolve) => void receiver.listen(0, "127.0.0.1", resolve))

const millrace = await Millrace.make({
  store: process.argv[2] === "memory" ? Store.layerMemory() : Sqlite.layer({ path: "./millrace.db" }),
  keys: { server: ["secret-consumer"] },
  destinations: [{ id: "receiver", url: \`http://127.0.0.1:\${(receiver.address() as AddressInfo).port}/\` }],
  allowPrivateDestinations: true,
})

const server = createServer(millrace)
const { port } = await server.listen(0)
const app = express().use(expressHandler(millrace)).listen(0, "127.0.0.1")
await new Promise((resolve) => app.once("listening", resolve))
const fastify = Fastify()
fastify.register(millracePlugin, { ingest: millrace })
const addresses = [
  \`http://127.0.0.1:\${port}\`,
  \`http://127.0.0.1:\${(app.address() as AddressInfo).port}\`,
  await fastify.listen({ port: 0, host: "127.0.0.1" }),
]

for (const [index, address] of addresses.entries()) {
  const reply = await fetch(\`\${address}/v1/webhooks/event_webhook\`, {
    method: "POST",
    headers: { "statsig-api-key": "secret-consumer" },
    body: JSON.stringify({ user: { userID: "user_1" }, event: \`event_\${index}\`, timestamp: Date.now() }),
  })
  if (reply.status !== 202) throw new Error(\`\${address} answered \${reply.status}: \${await reply.text()}\`)
}

await Promise.all([server.close(), new Promise((resolve) => app.close(resolve)), fastify.close()])
const report = await millrace.close()
receiver.close()
if (!report.drained || names.join() !== "event_0,event_1,event_2") throw new Error(names.join())

const pipeline = await testPipeline({ destinations: [{ id: "warehouse", url: "https://warehouse.test/" }] })
await pipeline.log({ eventName: "page_view" })
await pipeline.advance("1 minute")
if (pipeline.receiver("warehouse").events.length !== 1) throw new Error("the test kit delivered nothing")
await pipeline.close()

// @ts-expect-error: types have to be there, and to say no
export const wrong = () => Filter.compile(1)
`

const directory = mkdtempSync(join(tmpdir(), "millrace-packages-"))
try {
  const tarballs = packages.map((found) => ({ name: found.manifest.name, file: pack(found, directory) }))
  for (const { name, file } of tarballs) {
    console.log(run(bin("publint"), ["run", file, "--strict"], directory).trim())
    // The command exports nothing, so there is nothing to resolve.
    if (name !== "millrace") {
      console.log(run(bin("attw"), [file, "--profile", "esm-only", "--format", "ascii"], directory).trim())
    }
  }

  for (const [name, content] of Object.entries(consumer)) {
    writeFileSync(join(directory, name), JSON.stringify(content(tarballs), null, 2))
  }
  writeFileSync(join(directory, "main.ts"), program)
  console.log(run("npm", ["install", "--no-audit", "--no-fund"], directory).trim())
  // By this repository's compiler, and by the last one written in JavaScript.
  for (const tsc of [bin("tsc"), join(directory, "node_modules/.bin/tsc")])
    run(tsc, ["-p", directory], directory)
  const loader = join(root, "node_modules/tsx/dist/loader.mjs")
  for (const store of ["sqlite", "memory"])
    run(process.execPath, ["--import", loader, "main.ts", store], directory)
  console.log(run(join(directory, "node_modules/.bin/millrace"), ["--version"], directory).trim())
} finally {
  rmSync(directory, { recursive: true, force: true })
}
