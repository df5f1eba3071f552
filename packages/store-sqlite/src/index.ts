export { isInUse } from "./isInUse.ts"
export { layer, type Options } from "./SqliteStore.ts"
export {
  type FoundEntry,
  type Gap,
  type Incomplete,
  type Missing,
  type Salvaged,
  salvage,
} from "./salvage/salvage.ts"
