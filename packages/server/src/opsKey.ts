import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"

/** Compares what has always the same length, and which nobody can choose. */
const pepper = randomBytes(32)

const digest = (text: string): Buffer => createHmac("sha256", pepper).update(text).digest()

/**
 * Tells those who show the key from those who do not, in the header that Prometheus and probes can
 * send: `authorization: Bearer KEY`. Without a key everybody may look.
 */
export const makeMayLook = (key: string | null): ((req: IncomingMessage) => boolean) => {
  if (key === null) return () => true
  const own = digest(key)
  return ({ headers }) => {
    const shown = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1]
    return shown !== undefined && timingSafeEqual(digest(shown), own)
  }
}
