import { addsUp } from "../../src/deliver/Ledger.ts"
import { aloneFor } from "../../src/deliver/lane/givingUp.ts"
import { type Attempt, type Death, makeLaneWorld } from "./laneWorld.ts"
import type { Failing, Story } from "./story.ts"
import { makeReceiver } from "./storyReceiver.ts"

/** Good events that come in the end, for each bad one: it dies after a few of them. */
const neighboursEach = 9

/** ms: no try of a suspect is put off for longer, while it may still live. */
const neighbourEvery = 100_000

/** A try may come this many back-offs late: a few times as many as it takes to doubt a batch. */
const patience = 12

/** What is known of an event, as the story goes on. */
interface Told {
  readonly sentAt: number
  readonly user: number
  readonly poison: Failing | null
  /** It has failed alone: others may come before it. */
  alone: boolean
  /** The receiver has it, whatever it has answered. */
  arrived: boolean
  delivered: boolean
  dead: boolean
  /** The log has dropped it. */
  trimmed: boolean
  last: Attempt | null
}

/**
 * Plays a story and says what went wrong in it.
 *
 * - Every good event is delivered, in order but for those that have failed alone. None is a dead
 *   letter, unless the receiver has taken nothing for as long as events may wait: then right after
 *   it has failed alone, in an outage.
 * - Every bad one is a dead letter in the end, if others come that show it, unless one brings the
 *   receiver down or the receiver never stops flapping, and so hides what the others would show.
 * - Nothing waits any more. The ledger adds up, and says what has happened, all the time.
 */
export const problemsOf = (told: Story): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const { max, giveUpAfter } = told.retry
  const timeout = max / 2
  const events: Array<Told> = []
  /** Good ones that are not out of the way, and bad ones. */
  let missing = 0
  let undecided = 0

  const receiver = makeReceiver(told, timeout, (value) => events[value]!.poison)
  let saves = 0
  const world = makeLaneWorld(
    {
      batch: told.batch,
      concurrency: told.concurrency,
      retry: { first: 1_000, ...told.retry },
      timeout,
    },
    receiver.react,
    told.seed,
    () => {
      saves += 1
    },
  )

  const log = (sent: Story["sent"][number]["events"]): void => {
    const from = events.length
    for (const { user, poison } of sent) {
      const nothingYet = { alone: false, arrived: false, delivered: false, dead: false, trimmed: false }
      events.push({ sentAt: world.now(), user, poison, ...nothingYet, last: null })
      if (poison === null) missing += 1
      else undecided += 1
    }
    world.log(sent.map(({ user, pad }, at) => ({ value: from + at, user: String(user), pad })))
  }

  const isSettled = ({ delivered, dead, trimmed }: Told): boolean => delivered || dead || trimmed
  const change = (value: number, change: Partial<Told>): void => {
    const event = events[value]!
    const before = isSettled(event)
    Object.assign(event, change)
    if (before || !isSettled(event)) return
    if (event.poison === null) missing -= 1
    else undecided -= 1
  }

  /** The newest event that has arrived of each order: of all users', or of each one's. */
  const newest = new Map<number, number>()
  const arrive = (value: number): void => {
    const event = events[value]!
    if (event.arrived) return
    event.arrived = true
    const order = told.concurrency === 1 ? 0 : event.user
    const before = newest.get(order) ?? -1
    if (value < before && !event.alone)
      problems.push(`event ${value} came after ${before}, and never failed alone`)
    newest.set(order, Math.max(before, value))
  }

  let passedAt = Number.NEGATIVE_INFINITY
  let deliveredInAll = 0
  const lookAtAttempt = (attempt: Attempt): void => {
    const { values, delivered, took, at } = attempt
    for (const value of values) events[value]!.last = attempt
    for (const value of values.slice(0, took)) arrive(value)
    if (!delivered) {
      if (values.length === 1) events[values[0]!]!.alone = true
      return
    }
    passedAt = at
    for (const value of values) {
      const event = events[value]!
      if (event.poison !== null) problems.push(`bad event ${value} was delivered?`)
      if (!event.delivered) deliveredInAll += 1
      change(value, { delivered: true })
    }
  }

  /** What is wrong with the death of a good event. */
  const wrongWith = ({ last, sentAt }: Told, reason: Death["reason"], at: number): string | null => {
    if (last === null || last.delivered) return "it has not failed"
    const isAlone = last.values.length === 1
    if (reason === "refused" || reason === "too-large") {
      const isRefusedInTurns = isAlone && last.cause === "outage" && receiver.refusesInTurns
      return isRefusedInTurns ? null : "the receiver has not refused it"
    }
    if (reason !== "expired") return "nothing is wrong with it"
    if (at - passedAt < giveUpAfter) return "another one has passed not long ago"
    if (at - sentAt > giveUpAfter + aloneFor(told.retry.giveUpAfter)) return null
    if (!isAlone) return "it has not failed alone"
    return last.cause === "outage" ? null : "there was no outage"
  }

  let deadInAll = 0
  const lookAtDeath = ({ value, reason, at }: Death): void => {
    const event = events[value]!
    if (!event.dead) deadInAll += 1
    change(value, { dead: true })
    if (event.poison !== null) return
    const wrong = wrongWith(event, reason, at)
    if (wrong !== null) problems.push(`event ${value} is dead (${reason}) at ${at}, and ${wrong}`)
  }

  let attemptsSeen = 0
  let deathsSeen = 0
  const look = (): void => {
    const { attempts, deaths } = world
    for (;;) {
      const death = deaths[deathsSeen]
      const end = death?.attempts ?? attempts.length
      while (attemptsSeen < end) lookAtAttempt(attempts[attemptsSeen++]!)
      if (death === undefined) return
      lookAtDeath(death)
      deathsSeen += 1
    }
  }

  let dropped = 0
  const checkLedger = (): void => {
    const row = world.ledger()
    if (row === undefined) return
    const isRight =
      addsUp(row) &&
      // A batch of which the log has dropped a part is taken anew, and due once more.
      (dropped > 0 ? row.due >= events.length : row.due === events.length) &&
      row.filtered === 0 &&
      row.delivered <= deliveredInAll + row.due - events.length &&
      row.dead <= deadInAll + row.due - events.length &&
      row.trimmed <= dropped + row.due - events.length &&
      row.pending >= 0
    if (isRight) return
    const truth = { events: events.length, deliveredInAll, deadInAll, dropped }
    problems.push(`the ledger at ${world.now()}: ${JSON.stringify(row)}, and it was ${JSON.stringify(truth)}`)
  }
  /** After each save in some stories, after one of a few in the others. */
  const savesBetween = told.seed % 16 === 0 ? 1 : 8
  let savesSeen = 0
  const goOn = (): void => {
    if (attemptsSeen < world.attempts.length || deathsSeen < world.deaths.length) look()
    if (saves - savesSeen < savesBetween) return
    savesSeen = saves
    checkLedger()
  }
  const passTo = (at: number, until: () => boolean = () => false): void => {
    world.advanceTo(at, () => {
      goOn()
      return until()
    })
    goOn()
  }
  const haveArrived = (): boolean => missing === 0

  const things: Array<{ readonly at: number; readonly happen: () => void }> = []
  let sendAt = 0
  for (const { gap, events } of told.sent) {
    sendAt += gap
    things.push({ at: sendAt, happen: () => log(events) })
  }
  const crash = (): void => {
    world.crash()
    checkLedger()
    world.start()
  }
  for (const at of told.crashes) things.push({ at, happen: crash })
  const trim = (keep: number): void => {
    const gone = world.trim(keep)
    dropped = Math.max(dropped, gone.length)
    for (const value of gone) change(value, { trimmed: true })
    checkLedger()
  }
  for (const { at, keep } of told.trims) things.push({ at, happen: () => trim(keep) })

  world.start()
  for (const { at, happen } of things.sort((one, other) => one.at - other.at)) {
    passTo(at)
    happen()
  }
  passTo(receiver.healthyFrom)
  const wait = patience * receiver.slowness * (max + timeout)
  passTo(world.now() + (events.length + 1) * wait, haveArrived)
  for (let left = told.neighbours ? undecided * neighboursEach : 0; left > 0 && undecided > 0; left--) {
    log([{ user: left % 3, pad: 0, poison: null }])
    passTo(world.now() + wait, haveArrived)
    passTo(world.now() + Math.min(max + timeout, neighbourEvery))
  }
  // Suspects that the others' arrival has shown to be good are on their way.
  passTo(world.now() + wait, haveArrived)
  // What is under way beside it comes to its end, and the lane finds out what the log has dropped.
  if (told.concurrency > 1 || dropped > 0) passTo(world.now() + 2 * (max + timeout))
  // What had arrived before a crash was sent again, and may have been refused since.
  const isPending = (): boolean => (world.ledger()?.pending ?? 0) > undecided
  if (told.crashes.length > 0 && isPending()) passTo(world.now() + wait, () => !isPending())
  world.saveIdle()
  checkLedger()

  const ended = world.ended()
  if (ended !== undefined) problems.push(`the lane has ended: ${JSON.stringify(ended)}`)
  const isHidden = receiver.flapsForEver || events.some(({ poison }) => poison === "dies")
  const mayWait = !told.neighbours || isHidden
  events.forEach((event, value) => {
    if (isSettled(event)) return
    if (event.poison === null) problems.push(`event ${value} has not arrived`)
    else if (!mayWait) problems.push(`bad event ${value} (${event.poison}) is not decided`)
  })
  const row = world.ledger()
  const settledTwice = events.filter(({ delivered, dead, trimmed }) => delivered && (dead || trimmed)).length
  if (row === undefined) problems.push("there is no ledger")
  else {
    // What the log has dropped may have been settled before, and what is undecided may be dropped.
    const most =
      undecided + events.filter(({ trimmed, dead, delivered }) => trimmed && !dead && !delivered).length
    // What is due once more may still be on its way.
    if (row.pending > most + row.due - events.length)
      problems.push(`${row.pending} are still pending, and ${undecided} undecided`)
    if (row.delivered < deliveredInAll - settledTwice || row.dead < deadInAll) {
      problems.push(
        `the ledger says ${JSON.stringify(row)}: ${deliveredInAll} were delivered, ${deadInAll} died`,
      )
    }
  }
  world.crash()
  return problems
}
