import { describe, it } from "vitest"
import { endpointOf, type Kind, lacking, reachable } from "./location.ts"

/**
 * Registers tests that need the server at `url`: `await` it at the top of a test file. Without the
 * server there is one skipped test that says what is missing.
 */
export const describeStore = async (name: string, url: string, body: () => void): Promise<void> => {
  if (await reachable(url)) return body()
  const { scheme, host, port } = endpointOf(url)
  it.skip(`${name} (skipped: no ${scheme} at ${host}:${port}; start one with node .ci/servers.mjs)`)
}

/**
 * Registers tests that start servers of their own; without the program there is one skipped test
 * that says so.
 */
export const describeServer = (kind: Kind, name: string, body: () => void): void => {
  const reason = lacking(kind)
  if (reason === undefined) describe(name, body)
  else it.skip(`${name} (skipped: ${reason})`)
}
