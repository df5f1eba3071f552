export { isInUse } from "./isInUse.ts"
export { layer, type Options } from "./SqliteStore.ts"
