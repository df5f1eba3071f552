import type { IncomingMessage, ServerResponse } from "node:http"
import type { Millrace } from "@millrace/core"
import { maxRequestBytes } from "./admin/AdminApi.ts"
import type { ConsoleOptions } from "./Console.ts"
import { consoleHandler } from "./consoleHandler.ts"

/** The part of Fastify 5 that the plugin uses: this package does not depend on it. */
export interface FastifyHost {
  readonly prefix: string
  removeAllContentTypeParsers(): void
  addContentTypeParser(
    type: string,
    parser: (
      request: unknown,
      payload: IncomingMessage,
      done: (error: Error | null, body?: unknown) => void,
    ) => void,
  ): unknown
  route(options: {
    readonly method: Array<"GET" | "HEAD" | "POST">
    readonly url: string
    readonly bodyLimit: number
    readonly exposeHeadRoute: boolean
    readonly handler: (request: FastifyAsked, reply: FastifyAnswer) => void
  }): unknown
}

interface FastifyAsked {
  readonly raw: IncomingMessage
  readonly ip: string
}

interface FastifyAnswer {
  readonly raw: ServerResponse
  hijack(): unknown
}

export interface FastifyConsoleOptions extends Omit<ConsoleOptions, "path"> {
  readonly millrace: Millrace.Millrace
  /** Where it is: `/console` by default. */
  readonly prefix?: string
}

const defaultPrefix = "/console"

/**
 * The console as a plugin of Fastify 5: encapsulated, so that the host's parsers and routes are not
 * touched.
 *
 * @example
 * ```ts
 * import { fastifyConsole } from "@millrace/console"
 *
 * app.register(fastifyConsole, { millrace, adminToken: process.env.ADMIN_TOKEN })
 * ```
 */
export const fastifyConsole = (
  fastify: FastifyHost,
  { millrace, prefix: _, ...options }: FastifyConsoleOptions,
  done: (error?: Error) => void,
): void => {
  const own = fastify.prefix === "" ? defaultPrefix : ""
  const handler = consoleHandler(millrace, { ...options, path: `${fastify.prefix}${own}` })
  // Whatever a body claims to be, we take the stream.
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser("*", (_request, payload, parsed) => parsed(null, payload))
  for (const url of [`${own}/*`, own]) {
    fastify.route({
      method: ["GET", "HEAD", "POST"],
      url,
      bodyLimit: 2 * maxRequestBytes,
      exposeHeadRoute: false,
      handler: ({ raw, ip }, reply) => {
        reply.hijack()
        // As Fastify knows it, where it believes a proxy.
        handler(Object.assign(raw, { ip }), reply.raw)
      },
    })
  }
  done()
}
