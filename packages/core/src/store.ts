/**
 * What authors of stores need: the ports that a store implements, and what all stores have in
 * common.
 */
export { quietSleep } from "./base/quietSleep.ts"
export { timeUUIDs } from "./entry/TimeUUID.ts"
export * as Attempts from "./ports/Attempts.ts"
export * as ConnectionUrl from "./ports/ConnectionUrl.ts"
export * as Counters from "./ports/Counters.ts"
export * as CursorName from "./ports/CursorName.ts"
export * as Cursors from "./ports/Cursors.ts"
export * as DeadLetters from "./ports/DeadLetters.ts"
export * as Destinations from "./ports/Destinations.ts"
export { EntryIds } from "./ports/EntryIds.ts"
export * as EventLog from "./ports/EventLog.ts"
export { type Fork, Generations, type Place } from "./ports/Generations.ts"
export * as GroupCommit from "./ports/GroupCommit.ts"
export { HeadWatch } from "./ports/HeadWatch.ts"
export * as Keys from "./ports/Keys.ts"
export * as Members from "./ports/Members.ts"
export * as Position from "./ports/Position.ts"
export * as Store from "./ports/Store.ts"
export { conditionOf, mayPass, StoreError, type StoreReason } from "./ports/StoreError.ts"
export * as StoreHealth from "./ports/StoreHealth.ts"
