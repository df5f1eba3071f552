import type { EventLog } from "@millrace/core/store"
import * as Result from "effect/Result"
import { replica } from "./errors.ts"
import type { Link, Reply } from "./Link.ts"

/** What a server says of itself. */
export interface Facts {
  readonly version: string
  /**
   * Another one after every start of the server, on every other server, and whenever a replica
   * becomes one that takes writes.
   */
  readonly run: string
  readonly isLoading: boolean
  readonly isReplica: boolean
  readonly appendonly: boolean
  /** `null` when clients may not ask. */
  readonly appendfsync: string | null
  readonly noAppendfsyncOnRewrite: boolean
  readonly maxmemory: number
  readonly evicts: string
}

/** How safe an acknowledged write is, and why not safer. */
export interface Safety {
  readonly durability: Exclude<EventLog.Durability, "replicated">
  /** Why an acknowledged write can be lost, and what to set; `null` when it cannot. */
  readonly doubt: string | null
}

const infoOf = (reply: Reply): ReadonlyMap<string, string> =>
  new Map(
    String(reply)
      .split("\r\n")
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  )

/** `null` when clients may not ask for the configuration. */
const configuration = async (link: Link, name: string): Promise<string | null> => {
  try {
    const reply = await link.call("CONFIG", ["GET", name])
    return Array.isArray(reply) && reply.length === 2 ? String(reply[1]) : null
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return null
    throw error
  }
}

/**
 * Enough of 40 hex digits to tell them apart: texts over 64 bytes cost a small hash its compact
 * form.
 */
const half = (id = ""): string => id.slice(0, 20)

export const factsOf = async (link: Link): Promise<Facts> => {
  const [info, appendfsync, onRewrite] = await Promise.all([
    link.call("INFO").then(infoOf),
    configuration(link, "appendfsync"),
    configuration(link, "no-appendfsync-on-rewrite"),
  ])
  return {
    version: info.get("redis_version") ?? "",
    run: `${half(info.get("run_id"))}${half(info.get("master_replid"))}`,
    isLoading: info.get("loading") === "1",
    isReplica: info.get("role") === "slave",
    appendonly: info.get("aof_enabled") === "1",
    appendfsync,
    noAppendfsyncOnRewrite: onRewrite === "yes",
    maxmemory: Number(info.get("maxmemory") ?? 0),
    evicts: info.get("maxmemory_policy") ?? "noeviction",
  }
}

const oldest = [6, 2] as const

const isOldEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}

/** Why a store cannot be on such a server, or not yet. */
export const unfit = (facts: Facts): Result.Result<void, string> => {
  const { version, isLoading, isReplica } = facts
  // Until then it also says that it has no append-only file.
  if (isLoading) return Result.fail("the server is loading its data")
  if (!isOldEnough(version)) {
    return Result.fail(`the server is Redis ${version}: ${oldest.join(".")} or later is needed`)
  }
  if (isReplica) return Result.fail(replica)
  return Result.void
}

/** Why such a server may drop what it has stored, and what to set; `null` when it does not. */
export const evicting = ({ evicts, maxmemory }: Facts): string | null =>
  // volatile-* only evicts keys that expire, and none of ours do.
  evicts.startsWith("allkeys") && maxmemory > 0
    ? `maxmemory-policy is ${evicts}, with which the server drops stored events when its memory runs out: set it to noeviction`
    : null

/** Why a server's memory does not hold what the log may take in bytes; `null` when it does. */
export const tooSmall = ({ maxmemory }: Facts, maxBytes: number): string | null =>
  maxmemory > 0 && maxmemory < maxBytes
    ? `the log may take ${maxBytes} bytes (maxBytes), and the server has ${maxmemory} in all (maxmemory): it takes no events once that is used up by those not yet delivered, and keeps fewer for replay`
    : null

const wanted = "set appendonly yes and appendfsync always"

/**
 * @param assertsAlways whether the user says `appendfsync always` of a server that does not let
 * clients ask
 */
export const safetyOf = (facts: Facts, assertsAlways: boolean): Safety => {
  const doubtful = (doubt: string): Safety => ({ durability: "memory", doubt })
  if (!facts.appendonly) {
    return doubtful(`appendonly is off, so they are in its memory only: ${wanted}`)
  }
  if (facts.appendfsync === null) {
    return assertsAlways
      ? { durability: "disk", doubt: null }
      : doubtful(
          "it does not tell its appendfsync: if that is always, say so by the option appendfsync (in a URL ?appendfsync=always)",
        )
  }
  if (facts.appendfsync !== "always") {
    const when =
      facts.appendfsync === "everysec" ? "the last second's or two" : "the last half minute's or more"
    return doubtful(`appendfsync is ${facts.appendfsync}, so ${when} are not on its disk: ${wanted}`)
  }
  if (facts.noAppendfsyncOnRewrite) {
    return doubtful(
      "no-appendfsync-on-rewrite is yes, so nothing is synced to its disk while it rewrites its file: set it to no",
    )
  }
  return { durability: "disk", doubt: null }
}
