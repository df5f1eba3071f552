import { Transport } from "@millrace/node"
import { transportContract } from "@millrace/testkit"

transportContract("undici", () => Transport.layer({ allowPrivate: true }))
