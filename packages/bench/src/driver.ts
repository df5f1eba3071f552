import { createRequire } from "node:module"
import type * as Driver from "@photostructure/sqlite"

const isBuiltIn = Number.parseInt(process.versions.node, 10) >= 24

export const driverName = isBuiltIn ? "node:sqlite" : "@photostructure/sqlite"

/** The driver that the store uses, too. */
export const driver = isBuiltIn
  ? (process.getBuiltinModule("node:sqlite" as "node:fs") as unknown as typeof Driver)
  : (createRequire(import.meta.url)("@photostructure/sqlite") as typeof Driver)
