import { signal } from "./signals.ts"

/** How far the server's clock is ahead of this machine's, in ms. */
let ahead = 0

/** The server's time as well as the page knows it: ages go by the clock that made the times. */
export const serverNow = (): number => Date.now() + ahead

/** The same, moving on once a second, for whatever shows an age or counts down. */
export const now = signal(serverNow())

/** A jump of the frames' delay is no change of a clock: half a second is let pass. */
export const learnTime = (serverTime: number): void => {
  const seen = serverTime - Date.now()
  if (Math.abs(seen - ahead) > 500) ahead = seen
}

export const startClock = (): void => {
  setInterval(() => {
    if (!document.hidden) now.value = serverNow()
  }, 1_000)
}
