import { existsSync, readdirSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { LongestFirst } from "./.ci/longestFirst.ts"
import { missingServers } from "./.ci/missingServers.ts"

const packages = readdirSync(new URL("./packages", import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)

const file = (path: string) => fileURLToPath(new URL(`./packages/${path}`, import.meta.url))

const source = (name: string) => file(`${name}/src/index.ts`)

/**
 * Packages whose test files share what they import, several hundred modules that take a second to
 * load: they keep nothing there that another test would notice.
 */
const sharesModules: ReadonlySet<string> = new Set([
  ..."core console testkit statsig express fastify".split(" "),
])

/**
 * All packages' test files of such names. None are excluded here: it would keep the command line
 * from leaving out others.
 */
const workspace = (files: string) =>
  defineConfig({
    resolve: {
      // Tests run against the sources, so they need no build.
      alias: [
        ...["host", "store"].map((entry) => ({
          find: `@millrace/core/${entry}`,
          replacement: file(`core/src/${entry}.ts`),
        })),
        { find: "@millrace/testkit/vitest", replacement: file("testkit/src/vitest.ts") },
        { find: "@millrace/console/admin", replacement: file("console/src/admin.ts") },
        ...packages.map((name) => ({
          find: name === "server" ? "millrace" : `@millrace/${name}`,
          replacement: source(name),
        })),
      ],
    },
    test: {
      // The longest tests wait for disks and servers more than they compute.
      maxWorkers: Math.max(2, availableParallelism() - 1),
      reporters: ["default", missingServers],
      sequence: { sequencer: LongestFirst },
      setupFiles: [fileURLToPath(new URL("./.ci/sourceThreads.ts", import.meta.url))],
      projects: [
        ...packages.map((name) => ({
          extends: true as const,
          test: {
            name,
            root: `packages/${name}`,
            include: [`test/**/${files}`],
            isolate: !sharesModules.has(name),
            globalSetup: ["test/globalSetup.ts"].filter((path) => existsSync(file(`${name}/${path}`))),
            // A test that begins twenty processes takes half a minute on a busy machine.
            testTimeout: 90_000,
          },
        })),
        {
          extends: true,
          test: { name: "examples", root: "examples", include: [`*/${files}`] },
        },
        {
          extends: true,
          test: { name: "repository", root: ".ci", include: [`test/${files}`] },
        },
      ],
    },
  })

/** What takes minutes: it kills servers, waits for clocks, moves a million entries. */
export const longTests = workspace("*.long.test.ts")

// Vitest 4 ignores a file of this name unless it is told: `vitest run --config
// vitest.workspace.ts`.
export default workspace("!(*.long).test.ts")
