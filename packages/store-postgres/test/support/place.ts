import { layer } from "@millrace/store-postgres"
import { servers } from "@millrace/test-servers"
import type { StorePlace } from "@millrace/testkit"
import { dropSchema, freshSchema } from "./server.ts"

/** A schema of its own. */
export const newPlace = (): StorePlace => {
  const schema = freshSchema()
  return {
    open: (options) => layer({ url: servers.postgres, schema, ...options }),
    remove: () => dropSchema(schema),
  }
}
