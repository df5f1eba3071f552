import * as Effect from "effect/Effect"
import { durationText } from "../../base/durationText.ts"
import { logMessages } from "../../base/Telemetry.ts"
import type { Failure } from "./Condition.ts"
import type { News } from "./telling.ts"

type Fields = Readonly<Record<string, unknown>>

const iso = (time: number): string => new Date(time).toISOString()

const why = ({ status, cause }: Failure): Fields => (status === null ? { error: cause } : { status })

const sofar = ({ since, attempts }: Pick<Failure, "since" | "attempts">): Fields => ({
  since: iso(since.wall),
  attempts,
})

const repeated = (times: number): Fields => (times > 0 ? { times } : {})

interface Line {
  readonly isWarning: boolean
  readonly message: string
  readonly fields: Fields
}

const warning = (message: string, fields: Fields): Line => ({ isWarning: true, message, fields })

const lineOf = (news: News): Line => {
  switch (news._tag) {
    case "Began":
    case "OtherWay": {
      const { failure } = news
      const isWrong = failure.way === "misconfigured"
      return warning(isWrong ? logMessages.destinationWrong : logMessages.destinationFails, why(failure))
    }
    case "CircuitOpened":
      return warning(logMessages.circuitOpen, { ...sofar(news.failure), ...why(news.failure) })
    case "StillFails":
      return warning(logMessages.destinationStillFails, {
        ...sofar(news.failure),
        ...why(news.failure),
        ...repeated(news.times),
      })
    case "Flaps":
      return warning(logMessages.destinationFlaps, why(news.failure))
    case "WellAgain": {
      const { past, times } = news
      const after = durationText(past.until.monotonic - past.since.monotonic)
      return {
        isWarning: false,
        message: logMessages.destinationWell,
        fields: { ...sofar(past), after, ...repeated(times) },
      }
    }
  }
}

/** @param waiting events; `null` when the store does not tell */
export const log = (destination: string, news: News, waiting: number | null): Effect.Effect<void> => {
  const { isWarning, message, fields } = lineOf(news)
  return Effect.annotateLogs(isWarning ? Effect.logWarning(message) : Effect.logInfo(message), {
    destination,
    ...fields,
    ...(waiting === null ? {} : { waiting }),
  })
}
