export { describeServer, describeStore } from "./describe.ts"
export {
  available,
  type Endpoint,
  endpointOf,
  type Kind,
  lacking,
  missing,
  pathOf,
  reachable,
  servers,
} from "./location.ts"
export { type NatsCluster, type NatsOptions, startNats, startNatsCluster } from "./nats.ts"
export { withJetStream, withPostgres, withRedis } from "./operator.ts"
export { type PostgresStandby, startPostgres, startPostgresStandby } from "./postgres.ts"
export { startRedis } from "./redis.ts"
export { type RedisPair, startRedisPair } from "./redisPair.ts"
export type { TestServer } from "./server.ts"
export { describeDisk, lackingDisk, type SmallDisk, smallDisk } from "./smallDisk.ts"
export { type TcpProxy, tcpProxy } from "./tcpProxy.ts"
export { type TlsPort, tlsPort } from "./tlsPort.ts"
