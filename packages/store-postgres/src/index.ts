export { describe, type Options, optionsFromUrl } from "./Options.ts"
export { layer } from "./PostgresStore.ts"
