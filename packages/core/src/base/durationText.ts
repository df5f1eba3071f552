import * as Duration from "effect/Duration"

/** Writes how long something took as people say it, to the second: `1h 2m 3s`. */
export const durationText = (millis: number): string =>
  Duration.format(Duration.seconds(Math.round(Math.max(millis, 0) / 1000)))
