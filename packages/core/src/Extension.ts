import type { RouteExtension } from "./intake/ExtraRoutes.ts"

/** What another package adds to a Millrace, as `@millrace/statsig` does. */
export interface Extension extends RouteExtension {}
