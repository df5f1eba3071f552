import { storeContract } from "@millrace/testkit"
import { newPlace } from "./support/place.ts"

storeContract("sqlite", {
  place: newPlace,
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
})
