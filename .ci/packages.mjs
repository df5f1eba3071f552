// Packs every package as it would be published, and holds the tarballs to what their users need:
// the right files, valid exports, types that resolve, and programs outside of this repository that
// install, type-check against and run them: as modules, and as CommonJS.
import assert from "node:assert/strict"
import { execFile, execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"

const root = fileURLToPath(new URL("..", import.meta.url))
const bin = (name) => join(root, "node_modules", ".bin", name)

const run = (command, args, cwd) => {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.stdout}${error.stderr}`)
  }
}

/** The same beside others; returns what it says. */
const runBeside = async (command, args, cwd) => {
  try {
    return (await promisify(execFile)(command, args, { cwd })).stdout.trim()
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.stdout}${error.stderr}`)
  }
}

const packages = readdirSync(join(root, "packages"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => join(root, "packages", name))
  .map((path) => ({ path, manifest: JSON.parse(readFileSync(join(path, "package.json"), "utf8")) }))
  .filter(({ manifest }) => manifest.private !== true)

const first = packages[0].path

const pack = ({ path, manifest }, into) => {
  // All but one are built already; what builds a package before it is packed is the same for each.
  const options = [
    "--json",
    "--no-foreground-scripts",
    "--pack-destination",
    into,
    ...(path === first ? [] : ["--ignore-scripts"]),
  ]
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", ...options], path))
  const names = files.map((file) => file.path)
  for (const needed of ["package.json", "README.md", "LICENSE"]) {
    assert(names.includes(needed), `${manifest.name}: ${needed} is missing`)
  }
  const strange = names.filter(
    (name) =>
      !/^(package\.json|README\.md|LICENSE|bin\/.*\.mjs|dist\/.*\.(js|d\.ts)|dist\/page\/.*\.(html|css|svg|txt))$/.test(
        name,
      ),
  )
  assert.deepEqual(strange, [], `${manifest.name}: nobody needs these files`)
  return join(into, filename)
}

/** What the programs of `.ci/consumer` are installed with. */
const manifest = (tarballs) => ({
  name: "consumer",
  private: true,
  type: "module",
  dependencies: {
    ...Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`])),
    "@nestjs/common": "11.2.10",
    "@nestjs/core": "11.2.10",
    "@nestjs/platform-express": "11.2.10",
    effect: "4.1.0",
    express: "5.3.0",
    fastify: "5.12.8",
    "reflect-metadata": "0.2.2",
    rxjs: "7.8.2",
  },
  devDependencies: {
    "@types/express": "5.0.6",
    "@types/node": "20.19.43",
    ...Object.fromEntries(compilers.map((version) => [aliasOf(version), `npm:typescript@${version}`])),
    vitest: "4.1.12",
  },
})

/** Those that users have: the last of 5, the last written in JavaScript, and the present one. */
const compilers = ["5.9.3", "6.0.3", "7.0.2"]
const aliasOf = (version) => `typescript${version.split(".")[0]}`

const compilerOptions = {
  module: "NodeNext",
  target: "ES2022",
  // Effect's own declarations name types of the DOM.
  lib: ["ES2023", "DOM", "DOM.Iterable"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  // As most do not have it: then our declarations have to be right themselves.
  skipLibCheck: false,
  // Nest's.
  experimentalDecorators: true,
  noEmit: true,
}

/** Other versions of Node than this one, as `.ci/run` has them. */
const otherNodes = ["22", "24"]

/** In bytes, packed by gzip: Millrace without Node, Effect and all. */
const mostOfWeb = 200 * 1024

/** Bundles what is to run without Node, for no platform: a module of Node's is an error. */
const bundle = (directory) => {
  const options = ["--bundle", "--minify", "--format=esm", "--platform=neutral", "--main-fields=module,main"]
  const text = run(bin("esbuild"), ["web.ts", ...options], directory)
  assert(!/\b(?:from|import\(?|require\()\s*["']node:/.test(text), "what is to run without Node asks for it")
  const size = gzipSync(text, { level: 9 }).length
  assert(size <= mostOfWeb, `${size} bytes without Node: ${mostOfWeb} at most`)
  return `without Node: ${(size / 1024).toFixed(0)} KB`
}

const directory = mkdtempSync(join(tmpdir(), "millrace-packages-"))
try {
  const tarballs = packages.map((found) => ({ name: found.manifest.name, file: pack(found, directory) }))
  const judged = await Promise.all(
    tarballs.map(async ({ file }) => [
      await runBeside(bin("publint"), ["run", file, "--strict"], directory),
      await runBeside(bin("attw"), [file, "--profile", "esm-only", "--format", "ascii"], directory),
    ]),
  )
  console.log(judged.flat().join("\n"))

  cpSync(join(root, ".ci/consumer"), directory, { recursive: true })
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest(tarballs), null, 2))
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions, include: ["*.ts", "*.cts"] }, null, 2),
  )
  console.log(run("npm", ["install", "--no-audit", "--no-fund"], directory).trim())
  console.log(bundle(directory))

  const loader = join(root, "node_modules/tsx/dist/loader.mjs")
  const programs = [["main.ts", "sqlite"], ["main.ts", "memory"], ["one.ts"], ["nest.ts"]]
  const said = await Promise.all([
    ...compilers.map((version) =>
      runBeside(process.execPath, [`node_modules/${aliasOf(version)}/bin/tsc`, "-p", "."], directory),
    ),
    ...programs.map((program) => runBeside(process.execPath, ["--import", loader, ...program], directory)),
    runBeside(process.execPath, ["main.cjs"], directory),
    ...otherNodes.map((version) => runBeside("npx", ["-y", `node@${version}`, "main.cjs"], directory)),
    runBeside(join(directory, "node_modules/.bin/millrace"), ["--version"], directory),
  ])
  console.log(said.filter((text) => text !== "").join("\n"))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
