import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { quietSleep } from "../base/quietSleep.ts"
import { Keys } from "../ports/Keys.ts"
import { Members } from "../ports/Members.ts"
import { Ingest } from "./Ingest.ts"

/** ms from one look to the next: what other processes do with destinations is followed as soon. */
const lookEvery = 2_000

/**
 * Has this process go by the keys that others have made or taken back, where other processes can
 * have the store open. A store that does not answer has nothing new to say: the keys stay.
 */
export const layer: Layer.Layer<never, never, Ingest | Keys | Members> = Layer.effectDiscard(
  Effect.gen(function* () {
    const ingest = yield* Ingest
    const keys = yield* Keys
    const { shared } = yield* Members
    if (!shared) return
    let known = ""
    const look = Effect.gen(function* () {
      const found = (yield* keys.list).map(({ hash, kind }) => `${hash} ${kind}`).join()
      if (found === known) return
      yield* ingest.reloadKeys
      known = found
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.ignore(look), quietSleep(lookEvery))))
  }),
)
