import { choice } from "../options.ts"
import { expressByHand, fastifyByHand } from "./byHand.ts"
import type { Contestant } from "./Contestant.ts"
import { limit } from "./limit.ts"
import { millrace } from "./millrace.ts"
import { walkerOS } from "./walkerOS.ts"

export const contestants = {
  limit,
  memory: millrace("node", "memory:"),
  sqlite: millrace("node", "sqlite:"),
  "express-memory": millrace("express", "memory:"),
  "express-sqlite": millrace("express", "sqlite:"),
  "fastify-memory": millrace("fastify", "memory:"),
  "fastify-sqlite": millrace("fastify", "sqlite:"),
  "fastify-by-hand": fastifyByHand,
  "express-by-hand": expressByHand,
  walkeros: walkerOS,
} satisfies Readonly<Record<string, Contestant>>

export type ContestantName = keyof typeof contestants

export const contestantNames = Object.keys(contestants) as ReadonlyArray<ContestantName>

/** Those that an option names by commas, and the limit, which all are compared with. */
export const besideLimit = (given: string): ReadonlyArray<ContestantName> => [
  ...new Set(["limit" as const, ...choice<ContestantName>("contestants", given, contestantNames)]),
]

export const describeContestants = (names: ReadonlyArray<ContestantName>): ReadonlyArray<string> =>
  names.map(
    (name) => `  ${name}: ${contestants[name].description} (durability: ${contestants[name].durability})`,
  )
