/**
 * Turns of the event loop, dealt to work that is done in slices. One slice is done a turn, whoever
 * it is for, so that sockets are served between any two of them; whoever waits has the next one in
 * the order in which they came, and so a short piece of work is not held up by long ones.
 *
 * The event loop belongs to the thread, so these are shared by all that runs in it.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { Slices } from "./slices.ts"

interface Waiting {
  readonly dispatcher: Fiber.Fiber<unknown>["currentDispatcher"]
  /** Does one slice. */
  go: () => void
}

const waiting: Array<Waiting> = []
let isAsked = false

/**
 * Asks for the next turn. What Effect's scheduler is given runs after the loop has looked for what
 * has come in; promises would run before.
 */
const ask = (): void => {
  const [next] = waiting
  if (isAsked || next === undefined) return
  isAsked = true
  next.dispatcher.scheduleTask(turn, 0)
}

const turn = (): void => {
  isAsked = false
  const next = waiting.shift()
  ask()
  next?.go()
}

const wait = (one: Waiting): void => {
  waiting.push(one)
  ask()
}

const goOn = <A>(work: Slices<A>): Effect.Effect<A> =>
  Effect.withFiber((fiber) =>
    Effect.callback((resume) => {
      const one: Waiting = {
        dispatcher: fiber.currentDispatcher,
        go: () => {
          try {
            const step = work.next()
            if (step.done === true) resume(Effect.succeed(step.value))
            else wait(one)
          } catch (defect) {
            resume(Effect.die(defect))
          }
        },
      }
      wait(one)
      // Its place in the order stays, and nothing is done in it.
      return Effect.sync(() => {
        one.go = () => {}
      })
    }),
  )

/** Does the first slice at once, and one a turn of those that are left. */
export const inTurns = <A>(work: Slices<A>): Effect.Effect<A> =>
  Effect.suspend(() => {
    const first = work.next()
    return first.done === true ? Effect.succeed(first.value) : goOn(work)
  })
