import { describeStore, servers } from "@millrace/test-servers"
import { storeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"

await describeStore("redis", servers.redis, () => {
  storeContract("redis", {
    place: () => newPlace(3),
    reopens: true,
    shared: true,
    capped: true,
    probesRoom: true,
    partitioned: true,
  })
})
