// Builds every package into its dist: types by tsc, JavaScript by tsup, and the console's page by
// Vite. With `--if-needed` (for `npm start` and whatever else runs the built command) only the
// JavaScript, and only of packages whose sources are newer than what was built; with `--types`
// besides (before a package is packed) the types, too.
import { spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const bin = (name) => join(root, "node_modules", ".bin", name)
const ifNeeded = process.argv.includes("--if-needed")
const withTypes = !ifNeeded || process.argv.includes("--types")

const run = (command, args, cwd) =>
  new Promise((resolve, reject) => {
    const child = spawn(bin(command), args, { cwd, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        output += text
      })
    child.once("error", reject)
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} failed in ${cwd}\n${output}`)),
    )
  })

const filesIn = (directory) =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : []

const modified = (file) => statSync(file).mtimeMs

const packages = readdirSync(join(root, "packages"))
  .map((name) => join(root, "packages", name))
  .filter((path) => existsSync(join(path, "package.json")))
  .map((path) => ({ path, tsup: JSON.parse(readFileSync(join(path, "package.json"), "utf8")).tsup }))
  .filter(({ tsup }) => tsup !== undefined)

/** The page of the console: files as a browser takes them. */
const page = {
  path: join(root, "packages/console"),
  source: join(root, "packages/console/web"),
  built: join(root, "packages/console/dist/page"),
}

/** The files of an entry, which may be all of a folder. */
const entriesOf = (path, entry) =>
  entry.endsWith("/*.ts")
    ? readdirSync(join(path, entry.slice(0, -5))).map((name) => `${entry.slice(0, -4)}${name}`)
    : [entry]

const isCurrent = ({ path, tsup }) => {
  const changed = Math.max(...[...filesIn(join(path, "src")), join(path, "package.json")].map(modified))
  return tsup.entry
    .flatMap((entry) => entriesOf(path, entry))
    .every((entry) => {
      const built = join(path, "dist", entry.replace(/^src\//, "").replace(/\.ts$/, ".js"))
      return existsSync(built) && modified(built) >= changed
    })
}

const bundle = async ({ path }) => {
  const started = Date.now()
  await run("tsup", ["--silent"], path)
  // Chunks of earlier builds. tsup's own cleaning would take tsc's declarations with it, and tsc
  // would believe they are there.
  for (const file of filesIn(join(path, "dist")))
    if (file.endsWith(".js") && !file.startsWith(page.built) && modified(file) < started - 1_000) rmSync(file)
}

const isPageCurrent = () => {
  const built = join(page.built, "index.html")
  const sources = [
    ...filesIn(page.source),
    join(page.path, "vite.config.ts"),
    join(page.path, "package.json"),
  ]
  return existsSync(built) && modified(built) >= Math.max(...sources.map(modified))
}

const stale = ifNeeded ? packages.filter((found) => !isCurrent(found)) : packages
const isPageStale = !ifNeeded || !isPageCurrent()
if (stale.length > 0 || isPageStale) process.stderr.write("Building...\n")
const results = await Promise.allSettled([
  ...(withTypes ? [run("tsc", ["-b", ...packages.map(({ path }) => path)], root)] : []),
  ...stale.map(bundle),
  ...(isPageStale ? [run("vite", ["build", "--logLevel", "warn"], page.path)] : []),
])
for (const { reason } of results.filter(({ status }) => status === "rejected")) {
  process.stderr.write(`${reason.message}\n`)
  process.exitCode = 1
}
