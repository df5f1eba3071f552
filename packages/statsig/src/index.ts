export { Options } from "./Options.ts"
export { scheme } from "./relay.ts"
export { type StatsigOptions, statsig } from "./statsig.ts"
