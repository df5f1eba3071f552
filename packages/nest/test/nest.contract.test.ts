import "reflect-metadata"
import { once } from "node:events"
import { MillraceModule } from "@millrace/nest"
import type { Ingest } from "@millrace/node"
import { type AdapterOptions, adapterContract, hostNotFound } from "@millrace/testkit/vitest"
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  HttpCode,
  Module,
  NotFoundException,
  Param,
  Post,
  type Type,
} from "@nestjs/common"
import { type AbstractHttpAdapter, HttpAdapterHost, NestFactory } from "@nestjs/core"
import { ExpressAdapter } from "@nestjs/platform-express"
import { FastifyAdapter } from "@nestjs/platform-fastify"
import express from "express"

/** Decorates a method by calls: the syntax would need a compiler that knows Nest's decorators. */
const decorate = (target: Type, method: string, ...decorators: ReadonlyArray<MethodDecorator>): void => {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method)!
  for (const apply of decorators) apply(target.prototype, method, descriptor)
}

class Mine {
  parsed(body: unknown) {
    return body
  }
  named(name: string) {
    return name
  }
}
Controller()(Mine)
decorate(Mine, "parsed", Post("mine"), HttpCode(200))
decorate(Mine, "named", Post("v1/:name"), HttpCode(200))
Body()(Mine.prototype, "parsed", 0)
Param("name")(Mine.prototype, "named", 0)

/** The application's own word on paths that nobody knows. */
class NotFound implements ExceptionFilter {
  private readonly host: HttpAdapterHost
  constructor(host: HttpAdapterHost) {
    this.host = host
  }
  catch(_error: NotFoundException, context: ArgumentsHost) {
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), hostNotFound, 404)
  }
}
Catch(NotFoundException)(NotFound)

const listen = async (ingest: Ingest, adapter: AbstractHttpAdapter, { prefix, body }: AdapterOptions) => {
  class App {}
  const mount = { ...(prefix === undefined ? {} : { path: prefix }), ...(body === undefined ? {} : { body }) }
  Module({ imports: [MillraceModule.forRoot({ ingest, ...mount })], controllers: [Mine] })(App)
  const app = await NestFactory.create(App, adapter, { logger: false })
  app.useGlobalFilters(new NotFound(app.get(HttpAdapterHost)))
  await app.listen(0, "127.0.0.1")
  return { url: await app.getUrl(), close: () => app.close() }
}

adapterContract("Nest on Express", (ingest, options) => {
  const app = express()
  const { allowOrigin, consume, bodyParser } = options
  if (allowOrigin !== undefined)
    app.use((_req, res, next) => {
      res.setHeader("access-control-allow-origin", allowOrigin)
      next()
    })
  if (consume) app.use((req, _res, next) => void req.resume().once("end", next))
  if (bodyParser) app.use(express.json())
  return listen(ingest, new ExpressAdapter(app), options)
})

adapterContract("Nest on Fastify", (ingest, options) => {
  const adapter = new FastifyAdapter()
  const app = adapter.getInstance()
  const { allowOrigin, consume, bodyParser } = options
  if (allowOrigin !== undefined)
    app.addHook("onRequest", (_request, reply, next) => {
      reply.header("access-control-allow-origin", allowOrigin)
      next()
    })
  if (consume)
    app.addHook("preParsing", async (_request, _reply, payload) => {
      await once(payload.resume(), "end")
      return payload
    })
  if (bodyParser)
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, bytes, done) => done(null, bytes))
  return listen(ingest, adapter, options)
})
