/**
 * Stands in for Statsig on this machine: config specs, evaluations and ID lists for SDKs, and a
 * place for their events. It needs no test runner.
 */
export { names, type Project, type ProjectUser, project, users } from "./project.ts"
export { type Asked, type LoggedRequest, type SentEvent, type StandIn, startStandIn } from "./StandIn.ts"
export { startTap, type Tapped } from "./tap.ts"
