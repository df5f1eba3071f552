import { existsSync } from "node:fs"
import { createRequire, syncBuiltinESMExports } from "node:module"
import { fileURLToPath } from "node:url"
import threads from "node:worker_threads"

// Lets tests that run from sources start threads: a package starts the built file that stands
// beside its module, and Node 20 cannot start a thread from a `.ts` file. Loaded before the tests,
// and preloaded into the processes that they start from sources.

const loader = createRequire(import.meta.url).resolve("tsx/cjs/api")

/** The TypeScript that stands where the built file would; `null` where there is no such pair. */
const sourceOf = (file: string | URL): string | null => {
  if (!(file instanceof URL) || !file.pathname.endsWith(".js")) return null
  const built = fileURLToPath(file)
  const source = built.replace(/\.js$/, ".ts")
  return existsSync(built) || !existsSync(source) ? null : source
}

threads.Worker = class extends threads.Worker {
  constructor(file: string | URL, options?: threads.WorkerOptions) {
    const source = sourceOf(file)
    if (source === null) super(file, options)
    else {
      const load = `require(${JSON.stringify(loader)}).register(); require(${JSON.stringify(source)})`
      super(load, { ...options, eval: true })
    }
  }
}
syncBuiltinESMExports()
