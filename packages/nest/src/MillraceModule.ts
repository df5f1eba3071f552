import { type Ingest, Millrace } from "@millrace/node"
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from "@nestjs/common"
import { HttpAdapterHost } from "@nestjs/core"
import { type MountOptions, mount } from "./mount.ts"
import { nestLog } from "./nestLog.ts"

/**
 * What `Millrace.make` takes, and where it is mounted. Without `log`, lines go to Nest's logger.
 * With `ingest`, one that runs already is mounted, and is for its maker to close.
 */
export type ModuleOptions = MountOptions & (Millrace.MakeOptions | { readonly ingest: Ingest })

export interface AsyncOptions extends Pick<ModuleMetadata, "imports"> {
  /** What `useFactory` is given, in this order. */
  readonly inject?: FactoryProvider["inject"]
  // biome-ignore lint/suspicious/noExplicitAny: what is injected is the caller's to know
  readonly useFactory: (...injected: Array<any>) => ModuleOptions | Promise<ModuleOptions>
}

/** Injects the running Millrace by itself: `@Inject(MILLRACE)`. */
export const MILLRACE = Symbol("Millrace")

/**
 * Injects the running Millrace, as a `Millrace.Millrace`:
 * `constructor(@InjectMillrace() private readonly millrace: Millrace.Millrace)`.
 */
export const InjectMillrace = (): PropertyDecorator & ParameterDecorator => Inject(MILLRACE)

const OPTIONS = Symbol("ModuleOptions")
const RUNNING = Symbol("Running")

interface Running {
  readonly ingest: Ingest
  readonly close: () => Promise<unknown>
}

const start = async (options: ModuleOptions): Promise<Running> => {
  if ("ingest" in options) return { ingest: options.ingest, close: async () => {} }
  const { path: _path, body: _body, ...making } = options
  const millrace = await Millrace.make({ log: nestLog, ...making })
  return { ingest: millrace, close: () => millrace.close() }
}

const open = async (options: ModuleOptions, { httpAdapter }: HttpAdapterHost): Promise<Running> => {
  const running = await start(options)
  // Applications without a server, those of `createApplicationContext`, only deliver.
  if (httpAdapter) mount(httpAdapter, running.ingest, options)
  return running
}

/**
 * Mounts Millrace in a Nest application, on Express or Fastify, in front of Nest's body parsers. It
 * is there for injection everywhere ({@link InjectMillrace}), and closes with the application:
 * `app.close()`, or a signal after `app.enableShutdownHooks()`.
 *
 * @example
 * ```ts
 * @Module({ imports: [MillraceModule.forRoot({ keys: { server: ["secret-1"] } })] })
 * class AppModule {}
 *
 * const app = await NestFactory.create(AppModule)
 * app.enableShutdownHooks()
 * await app.listen(8080)
 * ```
 */
export class MillraceModule implements OnApplicationShutdown {
  private readonly running: Running

  constructor(running: Running) {
    this.running = running
  }

  static forRoot(options: ModuleOptions): DynamicModule {
    return MillraceModule.forRootAsync({ useFactory: () => options })
  }

  /** For options that other providers know: those of `inject`, from the modules of `imports`. */
  static forRootAsync({ imports = [], inject = [], useFactory }: AsyncOptions): DynamicModule {
    return {
      module: MillraceModule,
      global: true,
      imports,
      providers: [
        { provide: OPTIONS, inject, useFactory },
        { provide: RUNNING, inject: [OPTIONS, HttpAdapterHost], useFactory: open },
        { provide: MILLRACE, inject: [RUNNING], useFactory: ({ ingest }: Running) => ingest },
      ],
      exports: [MILLRACE],
    }
  }

  /** Sends what is pending, once the server takes no requests any more. */
  async onApplicationShutdown(): Promise<void> {
    await this.running.close()
  }
}

// By calls, since decorators of parameters are no syntax of JavaScript's.
Module({})(MillraceModule)
Inject(RUNNING)(MillraceModule, undefined, 0)
