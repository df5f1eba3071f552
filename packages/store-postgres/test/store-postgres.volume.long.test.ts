import { describeStore, servers } from "@millrace/test-servers"
import { volumeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"

await describeStore("postgres", servers.postgres, () => {
  volumeContract("postgres", { place: newPlace, reopens: true, shared: true, capped: true })
})
