export { describe, type Options, optionsFromUrl } from "./Options.ts"
export { outboxInsert, type Statement } from "./outboxInsert.ts"
export { layer, type PostgresLayer } from "./PostgresStore.ts"
