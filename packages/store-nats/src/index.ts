export { layer, type NatsLayer } from "./NatsStore.ts"
export { describe, type Options, optionsFromUrl, type Sync } from "./Options.ts"
