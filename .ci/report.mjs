// Reads vitest's JSON report and prints `PASSED FAILED SKIPPED`; on standard error what went wrong,
// in few lines. The files that failed are listed beside the report, in `REPORT.failed`. Fails when
// a test file that is there has not run, when a test was skipped that does not say why, and on CI
// when a server was missing. The second argument is `usual`, or `long` for the tests of
// `npm run test:long`. The others say which folders had to run, and with a `-` in front which paths
// in them had not; without any, all had.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))

const [file, kind, ...places] = process.argv.slice(2)
const included = places.filter((place) => !place.startsWith("-")).map((place) => `${place}/`)
const excepted = places.filter((place) => place.startsWith("-")).map((place) => place.slice(1))
const isLong = (path) => path.endsWith(".long.test.ts")
const hadToRun = (path) =>
  isLong(path) === (kind === "long") &&
  (included.length === 0 || included.some((place) => path.startsWith(place))) &&
  !excepted.some((place) => path.startsWith(place))
if (!existsSync(file)) {
  console.error("vitest ended before it had written its report")
  process.exit(1)
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
  readFileSync(file, "utf8"),
)
console.log(numPassedTests, numFailedTests, numPendingTests + numTodoTests)

const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
  const failed = assertionResults.filter((one) => one.status === "failed")
  const path = relative(root, name)
  return status === "failed" && failed.length === 0
    ? [{ name: path, message }]
    : failed.map((one) => ({
        name: `${path} > ${one.fullName}`,
        message: one.failureMessages.join("\n"),
      }))
})

const failed = testResults.filter(({ status }) => status === "failed").map(({ name }) => relative(root, name))
writeFileSync(`${file}.failed`, failed.map((path) => `${path}\n`).join(""))

// A reader looks at the first twenty lines: the more failures, the less of each.
const most = Math.max(1, Math.min(12, Math.floor(20 / failures.length) - 1))
for (const { name, message } of failures) {
  console.error(name)
  const lines = message.split("\n").filter((line) => /\S/.test(line) && !/\/node_modules\//.test(line))
  for (const line of lines.slice(0, most)) console.error(`    ${line.trimEnd()}`)
}

const problems = []

const ran = new Set(
  testResults
    .filter(({ assertionResults }) =>
      assertionResults.some(({ status }) => ["passed", "failed"].includes(status)),
    )
    .map(({ name }) => name),
)
for (const directory of ["packages", "examples", ".ci"]) {
  for (const entry of readdirSync(join(root, directory), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.name.endsWith(".test.ts") || /\/(node_modules|dist)\//.test(path)) continue
    if (hadToRun(relative(root, path)) && !ran.has(path))
      problems.push(`${relative(root, path)}: not one test has run`)
  }
}

for (const { name, assertionResults } of testResults) {
  for (const { status, fullName } of assertionResults) {
    if (["passed", "failed"].includes(status)) continue
    const where = `${relative(root, name)}: "${fullName}"`
    if (!/\((skipped|only where)\b/.test(fullName))
      problems.push(`${where} was skipped without a reason in its name`)
    else if (process.env.CI && / start one with node \.ci\/servers\.mjs\)/.test(fullName))
      problems.push(`${where}: here every server has to be there`)
  }
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
