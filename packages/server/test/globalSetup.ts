import { execFileSync } from "node:child_process"
import { fileURLToPath } from "node:url"

/**
 * The tests run the command as it is shipped: what is missing in the package is missing in them.
 */
export const setup = (): void => {
  const build = fileURLToPath(new URL("../../../.ci/build.mjs", import.meta.url))
  execFileSync(process.execPath, [build, "--if-needed"], { stdio: "inherit" })
}
