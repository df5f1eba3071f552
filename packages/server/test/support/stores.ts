import { type Kind, startNats, startPostgres, startRedis, type TestServer } from "@millrace/test-servers"

/** A store on a server that several tests share, each with a place of its own there. */
export interface SharedKind {
  readonly kind: Kind
  readonly name: string
  readonly level: "memory" | "disk"
  readonly start: () => Promise<TestServer>
  /** The parameter that tells places apart. */
  readonly place: "schema" | "prefix"
  readonly parameters?: string
}

/** In no message. */
export const secret = "hunter2"

export const sharedKinds: ReadonlyArray<SharedKind> = [
  {
    kind: "postgres",
    name: "PostgreSQL",
    level: "disk",
    start: () => startPostgres(),
    place: "schema",
  },
  {
    kind: "redis",
    name: "Redis",
    level: "disk",
    start: () => startRedis({ appendfsync: "always" }),
    place: "prefix",
  },
  {
    kind: "nats",
    name: "NATS in two partitions",
    level: "memory",
    start: () => startNats(),
    place: "prefix",
    parameters: "&partitions=2",
  },
]

let places = 0

export const storeAt = ({ place, parameters = "" }: SharedKind, url: string): string => {
  places += 1
  return `${url}?${place}=test_${places}${parameters}`
}
