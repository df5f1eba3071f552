import type { Readable } from "node:stream"

const ignore = () => {}

/**
 * Lets a stream flow for whoever listens for its "data". Listening alone starts none that somebody
 * has paused by hand, as a proxy and a plugin that inflates do; and while somebody waits for its
 * "readable" nothing flows: each piece has to be asked for.
 *
 * @returns what ends the asking
 */
export const letFlow = (stream: Readable): (() => void) => {
  if (stream.listenerCount("readable") === 0) {
    if (stream.isPaused()) stream.resume()
    return ignore
  }
  let asking = true
  const ask = () => {
    while (asking && stream.read() !== null);
  }
  stream.on("readable", ask)
  // What is there already has been announced before we came.
  process.nextTick(ask)
  return () => {
    asking = false
    stream.off("readable", ask)
  }
}
