export type { ConsoleOptions, Handler, Verdict } from "./Console.ts"
export { consoleHandler } from "./consoleHandler.ts"
export { type FastifyConsoleOptions, type FastifyHost, fastifyConsole } from "./fastifyConsole.ts"
export type { MountedRequest } from "./mountedAt.ts"
