import { randomUUID } from "node:crypto"
import { layer } from "@millrace/store-redis"
import { servers } from "@millrace/test-servers"
import type { StorePlace } from "@millrace/testkit"
import { removeKeys } from "./server.ts"

/** A prefix of its own. */
export const newPlace = (partitions: number): StorePlace => {
  const prefix = `test-${randomUUID()}`
  return {
    open: ({ maxBytes }) =>
      layer({
        url: servers.redis,
        prefix,
        partitions,
        // The cases fill one partition, which has its share of the whole.
        ...(maxBytes === undefined ? {} : { maxBytes: maxBytes * partitions }),
      }),
    remove: () => removeKeys(prefix),
  }
}
