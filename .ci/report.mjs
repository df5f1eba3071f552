// Reads vitest's JSON report and prints `PASSED FAILED SKIPPED`. Fails when a test file that is there has not run, and when a test
// was skipped that does not say why.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
  readFileSync(process.argv[2], "utf8"),
)
console.log(numPassedTests, numFailedTests, numPendingTests + numTodoTests)

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
    if (!ran.has(path)) problems.push(`${path}: not one test has run`)
  }
}

for (const { name, assertionResults } of testResults) {
  for (const { status, fullName } of assertionResults) {
    if (["passed", "failed"].includes(status) || /\((skipped|only where)\b/.test(fullName)) continue
    problems.push(`${name}: "${fullName}" was skipped without a reason in its name`)
  }
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
