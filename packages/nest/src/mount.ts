import { expressHandler } from "@millrace/express"
import { millracePlugin } from "@millrace/fastify"
import type { BodyOptions, Ingest } from "@millrace/node"
import type { HttpServer } from "@nestjs/common"

export interface MountOptions {
  /** Where Millrace is mounted: `/events`. At the root by default; Nest's global prefix is not. */
  readonly path?: string
  /** The limits of bodies while they come. */
  readonly body?: BodyOptions
}

/**
 * Mounts Millrace on Nest's own Express or Fastify. Modules are made before Nest registers its body
 * parsers, so it stands in front of them: bytes arrive as they were sent, `rawBody` or not.
 */
export const mount = (http: HttpServer, ingest: Ingest, { path = "", body }: MountOptions): void => {
  const segments = path.replace(/^\/+|\/+$/g, "")
  const prefix = segments === "" ? "" : `/${segments}`
  const platform = http.getType()
  switch (platform) {
    case "express":
      return void http.use(prefix === "" ? "/" : prefix, expressHandler(ingest, body))
    case "fastify":
      return void http.getInstance().register(millracePlugin, { ingest, prefix, ...body })
    default:
      throw new TypeError(`Millrace: Nest's platform is "${platform}": expected express or fastify`)
  }
}
