import { Millrace } from "@millrace/node"

const make = () =>
  Millrace.make({
    keys: { server: ["secret-example"] },
    destinations: [{ id: "warehouse", url: process.env.WEBHOOK_URL ?? "http://127.0.0.1:9000/" }],
    allowPrivateDestinations: ["127.0.0.1"], // for a receiver on this machine
  })

// One for the whole process, however often Next.js loads this module.
const shared = globalThis as { millrace?: ReturnType<typeof make> }
shared.millrace ??= make()
export const millrace = shared.millrace
