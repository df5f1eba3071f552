// Holds the console's page to its budget: how much has to arrive before it is seen, and in all.
// Sizes are of gzip, which every server and browser has; by brotli it is a tenth less.
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"

const page = fileURLToPath(new URL("../packages/console/dist/page", import.meta.url))

const kilobyte = 1024

const budget = {
  "JavaScript before the first page": 28 * kilobyte,
  "JavaScript in all": 66 * kilobyte,
  "styles in all": 11 * kilobyte,
}

/** The page, its script and its style sheet. */
const mostRequests = 3

if (!existsSync(join(page, "index.html"))) {
  console.error("The page is not built: npm run build")
  process.exit(1)
}

const html = readFileSync(join(page, "index.html"), "utf8")
const files = readdirSync(page, { recursive: true }).map(String)
const compressed = (file) => gzipSync(readFileSync(join(page, file)), { level: 9 }).length
const sum = (names) => names.reduce((total, name) => total + compressed(name), 0)
const ofKind = (ending) => files.filter((file) => file.endsWith(ending))

/** What the document asks for before it is painted. */
const first = [...html.matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g)].map((match) => match[1])

/** What a script imports at once: it is needed as early as the script itself. */
const withImports = (name, seen = new Set()) => {
  if (seen.has(name)) return seen
  seen.add(name)
  const text = readFileSync(join(page, name), "utf8")
  for (const [, imported] of text.matchAll(/(?:^|[;}])import(?:[^"'()]*?from)?["']\.\/([^"']+)["']/g))
    withImports(join(name, "..", imported), seen)
  return seen
}

const early = new Set(first.filter((name) => name.endsWith(".js")).flatMap((name) => [...withImports(name)]))

const sizes = {
  "JavaScript before the first page": sum([...early]),
  "JavaScript in all": sum(ofKind(".js")),
  "styles in all": sum(ofKind(".css")),
}

const requests = 1 + early.size + first.filter((name) => name.endsWith(".css")).length

const problems = [
  ...Object.entries(sizes).flatMap(([what, size]) =>
    size > budget[what] ? [`${what}: ${size - budget[what]} B over its budget`] : [],
  ),
  ...(requests > mostRequests
    ? [`${requests} requests before the first paint: ${mostRequests} at most`]
    : []),
  ...files
    .filter((file) => /\.(woff2?|ttf|png|jpe?g|gif|webp|avif)$/.test(file))
    .map((file) => `${file}: the page has no font and no picture`),
  ...(/<(script|link)[^>]*>[^<\s]|<style|\sstyle=/.test(html.replace(/<noscript>[\s\S]*<\/noscript>/, ""))
    ? ["index.html: something stands inline, which a strict policy forbids"]
    : []),
]

const asText = (size) => `${(size / kilobyte).toFixed(1)} KB`
for (const [what, size] of Object.entries(sizes))
  console.log(`${what.padEnd(40)} ${asText(size).padStart(8)} of ${asText(budget[what])}`)
console.log(
  `${"requests before the first paint".padEnd(40)} ${String(requests).padStart(8)} of ${mostRequests}`,
)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
