import { describeStore, servers } from "@millrace/test-servers"
import { volumeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./place.ts"

await describeStore("nats", servers.nats, () => {
  volumeContract("nats", { place: () => newPlace(), reopens: true, shared: true, capped: true })
})
