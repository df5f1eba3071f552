import type { IncomingMessage } from "node:http"

/** What Express and what is like it say of the path that they have taken off. */
export interface MountedRequest extends IncomingMessage {
  readonly originalUrl?: string
}

export interface Place {
  /** Where the console is: `/console`, with no slash behind it. */
  readonly base: string
  /** What is asked of it, from its first slash on; empty for the console without that slash. */
  readonly rest: string
}

const pathOf = (url: string): string => url.split(/[?#]/, 1)[0]!

/**
 * Tells the console's own path from what is asked of it.
 *
 * @param path where it is, if the host has taken nothing off
 * @returns `null` for a request that is not the console's
 */
export const mountedAt = (req: MountedRequest, path: string): Place | null => {
  const asked = pathOf(req.url ?? "/")
  const original = pathOf(req.originalUrl ?? asked)
  if (original !== asked) {
    if (original.endsWith(asked)) return { base: original.slice(0, -asked.length), rest: asked }
    // Express makes a slash of nothing.
    return { base: original, rest: "" }
  }
  if (asked === path) return { base: path, rest: "" }
  return asked.startsWith(`${path}/`) ? { base: path, rest: asked.slice(path.length) } : null
}
