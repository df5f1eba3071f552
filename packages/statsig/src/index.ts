export { Options } from "./Options.ts"
export { type StatsigOptions, statsig } from "./statsig.ts"
