import { volumeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"

volumeContract("sqlite", { place: newPlace, reopens: true, shared: true, capped: true })
