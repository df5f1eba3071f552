import { fileURLToPath } from "node:url"
import { build } from "vite"

/** Builds the page as it is served: what tests open is what users get. */
export const setup = async (): Promise<void> => {
  const root = fileURLToPath(new URL("../", import.meta.url))
  await build({ root: `${root}web`, configFile: `${root}vite.config.ts`, logLevel: "warn" })
}
