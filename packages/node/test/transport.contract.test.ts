import { Transport } from "@millrace/node"
import { transportContract } from "@millrace/testkit/vitest"

transportContract("undici", () => Transport.layer({ allowPrivate: true }))
