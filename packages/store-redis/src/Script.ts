import { createHash } from "node:crypto"
import type { Argument, Link, Reply } from "./Link.ts"
import { emptied } from "./scriptErrors.ts"

/** A Lua script, which Redis runs in one piece. */
export interface Script {
  readonly source: string
  readonly sha: string
}

/**
 * In front of every script: KEYS[1] is `meta`, ARGV[1] the instance that the caller has opened.
 * Numbers become text by `text`: Lua's own way loses digits of large ones.
 */
export const prelude = `
local instance = redis.call('HGET', KEYS[1], 'instance')
if instance ~= ARGV[1] then return redis.error_reply('${emptied} the keys are gone or others') end
local function text(number) return string.format('%.0f', number) end
`

export const script = (body: string): Script => unguarded(prelude + body)

/**
 * In front of a script that a server whose memory is used up has to carry out too: it refuses only
 * the first write of a script that takes memory, and this one takes none. Redis 7 has a flag for
 * it, older servers do not.
 */
export const inAFullServer = (key: string): string => `redis.call('HDEL', ${key}, 'never there')\n`

/**
 * What a full store must still be able to do: to say who is there and how far each destination has
 * come, and to drop what is delivered. It writes over what it wrote before, so it needs no room to
 * speak of.
 */
export const urgent = (body: string): Script => script(inAFullServer("KEYS[1]") + body)

/** For a script that has something to do before, or that opens. */
export const unguarded = (source: string): Script => ({
  source,
  sha: createHash("sha1").update(source).digest("hex"),
})

/** Runs it by its hash; a server that does not know it yet is told it whole. */
export const evaluate = async (
  link: Link,
  { source, sha }: Script,
  keys: ReadonlyArray<string>,
  parameters: ReadonlyArray<Argument>,
): Promise<Reply> => {
  const given: ReadonlyArray<Argument> = [keys.length, ...keys, ...parameters]
  try {
    return await link.call("EVALSHA", [sha, ...given])
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error
    return link.call("EVAL", [source, ...given])
  }
}

/** A number as scripts and commands take it: infinity has no name that all of them know. */
export const finite = (value: number): number =>
  Math.max(Math.min(value, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER)
