import { describeStore, servers } from "@millrace/test-servers"
import { volumeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"

await describeStore("redis", servers.redis, () => {
  volumeContract("redis", { place: () => newPlace(3), reopens: true, shared: true, capped: true })
})
