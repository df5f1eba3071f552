/** By this name the bystander's events are known among all others. */
export const bystanderName = "bystander"

/** @param time ms since the epoch */
export const bystanderEvent = (number: number, time: number) => ({
  eventName: bystanderName,
  user: { userID: `bystander-${number % 1_000}` },
  time,
  value: number,
})

/** Numbers and times of the bystander's events in the body of a webhook's request. */
export const bystanderEventsIn = (
  body: string,
): ReadonlyArray<{ readonly number: number; readonly time: number }> =>
  body.includes(`"${bystanderName}"`)
    ? (JSON.parse(body) as ReadonlyArray<Record<string, unknown>>)
        .filter(({ eventName }) => eventName === bystanderName)
        .map(({ value, timestamp }) => ({ number: Number(value), time: Number(timestamp) }))
    : []
