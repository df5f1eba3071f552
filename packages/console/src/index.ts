export type { ConsoleOptions, Handler, Verdict } from "./Console.ts"
export { consoleHandler } from "./consoleHandler.ts"
export type { MountedRequest } from "./mountedAt.ts"
