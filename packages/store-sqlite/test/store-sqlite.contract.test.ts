import { storeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"

storeContract("sqlite", {
  place: newPlace,
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
})
