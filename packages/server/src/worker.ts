import { Socket } from "node:net"
import { channelDescriptor } from "./workers/Protocol.ts"
import * as Worker from "./workers/Worker.ts"

// Whoever read our output has gone: no reason to go as well.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})

// A terminal and a service manager send these to every process: when to stop is the primary's to
// say.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {})

Worker.run(new Socket({ fd: channelDescriptor }), () => process.exit())
