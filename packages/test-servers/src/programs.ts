// What runs the servers that outlive the tests: no vitest, and nothing that ends with this process.
export { signal, untilGone } from "./internal/processes.ts"
export { available, endpointOf, pathOf, reachable, servers } from "./location.ts"
export { natsIn } from "./nats.ts"
export { postgresIn } from "./postgres.ts"
export { redisIn } from "./redis.ts"
