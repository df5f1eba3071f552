import { program } from "./program.ts"

// Whoever read our output has gone: no reason to go as well.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})

await program().parseAsync()
