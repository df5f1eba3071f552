import { Generations, mayPass, quietSleep, StoreError, type StoreHealth } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { closed, down, fromReply, isEmptied, tooLow, unavailable, wasEmptied, whyDemoted } from "./errors.ts"
import { type Layout, layout } from "./Layout.ts"
import { type Argument, Broken, type Command, Link, type Reply } from "./Link.ts"
import type { Settings } from "./Options.ts"
import { type Found, open, parseForks, type Wanted } from "./opening.ts"
import { text } from "./reply.ts"
import { evaluate, type Script } from "./Script.ts"
import { evicting, factsOf, type Safety, safetyOf, tooSmall, unfit } from "./Server.ts"
import { tlsHint } from "./tlsHint.ts"

/** A server that was asked, and the store found on it. */
interface Met extends Found {
  readonly link: Link
  readonly run: string
  readonly safety: Safety
  /** Why it may drop what it has stored; `null` when it does not. */
  readonly evicts: string | null
  /** Why its memory does not hold what the log may take; `null` when it does. */
  readonly small: string | null
}

/** What is there again when there is a connection again. */
export interface ComeBack {
  /** The last entry of each partition. */
  readonly heads: ReadonlyArray<number>
  /** The last entry of each partition that is what it was; `null` where all of them are. */
  readonly forks: ReadonlyArray<number | null>
  /** The store is another one: it was emptied. */
  readonly isAnew: boolean
}

const forkBetween = (before: Generations, now: Generations): number | null => {
  const later = now.forks.filter(({ generation }) => generation > before.current)
  return later.length === 0 ? null : Math.min(...later.map(({ number }) => number))
}

/**
 * Between two attempts to come back, in ms: doubling, and somewhere in the upper half, so that not
 * all come at once.
 */
const backOff = { first: 100, max: 5_000 }

/**
 * How often a server is asked whether it is still what it was, in ms: what it is told at run time
 * counts from then on.
 */
const watchEvery = 2_000

const delayBefore = (attempt: number): number =>
  Math.min(backOff.first * 2 ** attempt, backOff.max) * (0.5 + Math.random() / 2)

const meet = async (settings: Settings, keys: Layout, wanted: Omit<Wanted, "run">): Promise<Met> => {
  const { name, requestTimeout, assertsAlways } = settings
  const link = await Link.connect(settings, { holdsProcess: true, patience: requestTimeout })
  try {
    const facts = await factsOf(link)
    const fit = unfit(facts)
    if (Result.isFailure(fit)) throw down(name, fit.failure)
    const found = await open(link, keys, { ...wanted, run: facts.run })
    if (Result.isFailure(found)) {
      const { reason, message } = found.failure
      throw new StoreError({ reason: { _tag: reason }, message: `${name}: ${message}` })
    }
    return {
      ...found.success,
      link,
      run: facts.run,
      safety: safetyOf(facts, assertsAlways),
      evicts: evicting(facts),
      small: tooSmall(facts, settings.maxBytes),
    }
  } catch (error) {
    link.end("it was not fit")
    throw error
  }
}

/** What to tell an operator whose server is set up so. */
export const canBeLost = (doubt: string): string =>
  `acknowledged events can be lost when this server stops by accident: ${doubt}`

/**
 * What an error of a call means. What is neither of Redis nor of the network is a mistake of this
 * program.
 */
const translate = (error: unknown, name: string): unknown => {
  if (error instanceof StoreError) return error
  if (error instanceof Broken) return down(name, error.message)
  return error instanceof Error && error.name === "ReplyError" ? fromReply(error, name) : error
}

/**
 * A store on a server, for as long as it is open: it comes back by itself when the connection is
 * lost, and until then every call fails at once. What comes back may have less than this process
 * has seen of it, in a new generation. It may be another store altogether, since this one was
 * emptied, where what it had acknowledged was not to survive that.
 */
export class Connection {
  readonly keys: Layout
  readonly partitions: number
  /**
   * Called when what is acknowledged has become less safe, or as safe as it was, with a sentence
   * for the operator.
   */
  onSafetyChanged: (isWorse: boolean, text: string) => void = () => {}
  readonly headsAtOpening: ReadonlyArray<number>
  /** Why the server's memory does not hold what the log may take; `null` when it does. */
  readonly small: string | null
  /**
   * Called when there is no connection any more; and when there is one again, with the last entry
   * of each partition.
   */
  onLost: () => void = () => {}
  onBack: (comeBack: ComeBack) => void = () => {}
  readonly #settings: Settings
  #instance: string
  readonly #generations: Array<Generations>
  #run: string
  #safety: Safety
  #link: Link | undefined
  /** Why there is no link. */
  #down: StoreError
  /** Why appends are refused although there is one. */
  #doubt: string | null = null
  #attempt = 0
  #isClosed = false

  private constructor(settings: Settings, keys: Layout, met: Met) {
    this.#settings = settings
    this.keys = keys
    this.partitions = met.heads.length
    this.#safety = met.safety
    this.headsAtOpening = met.heads
    this.small = met.small
    this.#instance = met.instance
    this.#generations = [...met.generations]
    this.#run = met.run
    this.#down = down(settings.name, "not connected")
    this.#use(met.link)
  }

  /** Tries once. Rejects with a `StoreError`. */
  static async open(settings: Settings): Promise<Connection> {
    const keys = layout(settings.prefix)
    try {
      const { partitions } = settings
      const met = await meet(settings, keys, { before: null, partitions })
      if (met.evicts !== null) {
        met.link.end("it was not fit")
        throw unavailable(`${settings.name}: ${met.evicts}`)
      }
      return new Connection(settings, keys, met)
    } catch (error) {
      // Neither side says that the other one speaks, or lacks, TLS: it hangs up, or waits.
      const hint = error instanceof Broken ? await tlsHint(settings) : null
      throw hint === null ? translate(error, settings.name) : down(settings.name, hint)
    }
  }

  /** Runs a script on this store. Rejects with a `StoreError`. */
  run(script: Script, keys: ReadonlyArray<string>, parameters: ReadonlyArray<Argument> = []): Promise<Reply> {
    return this.#ask((link) =>
      evaluate(link, script, [this.keys.meta, ...keys], [this.#instance, ...parameters]),
    )
  }

  /** The same, with a command in front of it: both are carried out or neither. */
  runAfter(
    command: Command,
    { source }: Script,
    keys: ReadonlyArray<string>,
    parameters: ReadonlyArray<Argument>,
  ): Promise<Reply> {
    const given = [keys.length + 1, this.keys.meta, ...keys, this.#instance, ...parameters]
    // Whole, not by its hash: a server that had forgotten it would carry out the command alone.
    return this.#ask((link) => link.transaction([command, ["EVAL", [source, ...given]]]))
  }

  /**
   * A command that changes nothing. Whether the store is still there is asked behind it, so that
   * nothing stands for it.
   */
  read(command: string, parameters: ReadonlyArray<Argument>): Promise<Reply> {
    return this.#ask(async (link) => {
      const [reply, instance] = await Promise.all([
        link.call(command, parameters),
        link.call("HGET", [this.keys.meta, "instance"]),
      ])
      if (instance === null || text(instance) !== this.#instance) {
        link.end(wasEmptied)
        throw down(this.#settings.name, wasEmptied)
      }
      return reply
    })
  }

  /** As far as this process knows. */
  generations(partition: number): Generations {
    return this.#generations[partition] ?? new Generations()
  }

  /** Another process has begun one. @param forks as a script gives them */
  learn(partition: number, forks: string): void {
    this.#generations[partition] = parseForks(forks)
  }

  /** Why every call fails now. */
  get failure(): StoreError | undefined {
    if (this.#isClosed) return closed()
    return this.#link === undefined ? this.#down : undefined
  }

  /** What an acknowledged write survives as the server is set up now. */
  get safety(): Safety {
    return this.#safety
  }

  /** Why nothing may be appended now. */
  get doubt(): StoreError | undefined {
    return this.#doubt === null ? undefined : tooLow(`${this.#settings.name}: ${this.#doubt}`)
  }

  /** What a person should know of how the server is set up. */
  async findings(maxBytes: number): Promise<ReadonlyArray<StoreHealth.Finding>> {
    return this.#ask(async (link) => {
      const facts = await factsOf(link)
      const evicts = evicting(facts)
      const { doubt } = safetyOf(facts, this.#settings.assertsAlways)
      const small = tooSmall(facts, maxBytes)
      return [
        ...(evicts === null ? [] : [{ level: "wrong", message: evicts } as const]),
        ...(doubt === null ? [] : [{ level: "note", message: canBeLost(doubt) } as const]),
        ...(small === null ? [] : [{ level: "note", message: small } as const]),
      ]
    })
  }

  /** A second connection, for calls that block. */
  async another(patience: number): Promise<Link> {
    const link = await Link.connect(this.#settings, { holdsProcess: false, patience })
    const { run } = await factsOf(link)
    if (run === this.#run) return link
    // Behind one address there can be two servers, while it moves.
    const why = "the server is another one"
    link.end(why)
    throw new Broken(why)
  }

  close(): void {
    this.#isClosed = true
    this.#link?.end("the store has been closed")
  }

  async #ask<A>(body: (link: Link) => Promise<A>): Promise<A> {
    if (this.#link === undefined || this.#isClosed) throw this.failure
    const link = this.#link
    try {
      return await body(link)
    } catch (error) {
      if (this.#isClosed) throw closed()
      // Another server may have taken over behind the same address: only a new connection finds it.
      const why = isEmptied(error) ? wasEmptied : whyDemoted(error)
      if (why !== undefined) link.end(why)
      throw translate(error, this.#settings.name)
    }
  }

  #use(link: Link): void {
    this.#link = link
    this.#attempt = 0
    void link.ended.then((why) => {
      this.#link = undefined
      this.onLost()
      this.#down = down(this.#settings.name, why)
    })
  }

  /**
   * Looks whether the server still is what it was, and comes back when the connection is lost, for
   * as long as it runs.
   */
  readonly keeping: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => {
      if (this.#link !== undefined) return this.#watching(this.#link)
      return mayPass(this.#down.reason) ? this.#comingBack : Effect.never
    }),
  )

  /** For as long as the link lasts. */
  #watching(link: Link): Effect.Effect<unknown> {
    const look = Effect.andThen(
      quietSleep(watchEvery),
      Effect.promise(() => this.#lookAt(link)),
    )
    return Effect.raceFirst(
      Effect.promise(() => link.ended),
      Effect.forever(look),
    )
  }

  get #comingBack(): Effect.Effect<void> {
    const delay = delayBefore(this.#attempt)
    this.#attempt += 1
    return Effect.andThen(
      quietSleep(delay),
      Effect.promise(() => this.#comeBack()),
    )
  }

  async #comeBack(): Promise<void> {
    try {
      const before = { instance: this.#instance, level: this.#safety.durability }
      const met = await meet(this.#settings, this.keys, { before, partitions: this.partitions })
      if (this.#isClosed) {
        met.link.end("the store has been closed")
        throw closed()
      }
      this.#run = met.run
      const forks = met.generations.map((now, partition) => forkBetween(this.generations(partition), now))
      for (const [partition, generations] of met.generations.entries()) {
        this.#generations[partition] = generations
      }
      const isAnew = met.instance !== this.#instance
      this.#instance = met.instance
      this.#weigh(met)
      this.#use(met.link)
      this.onBack({ heads: met.heads, forks, isAnew })
    } catch (cause) {
      const error = translate(cause, this.#settings.name)
      this.#down = error instanceof StoreError ? error : unavailable(String(error))
    }
  }

  #weigh({ safety, evicts }: Pick<Met, "safety" | "evicts">): void {
    const before = this.#safety
    this.#safety = safety
    this.#doubt = evicts
    if (safety.doubt === before.doubt) return
    const { name } = this.#settings
    if (safety.doubt === null) this.onSafetyChanged(false, `${name}: acknowledged events are safe again`)
    else this.onSafetyChanged(true, `${name}: ${canBeLost(safety.doubt)}`)
  }

  async #lookAt(link: Link): Promise<void> {
    try {
      const facts = await factsOf(link)
      const fit = unfit(facts)
      if (Result.isFailure(fit)) link.end(fit.failure)
      else if (facts.run !== this.#run) link.end("the server has become another one")
      else this.#weigh({ safety: safetyOf(facts, this.#settings.assertsAlways), evicts: evicting(facts) })
    } catch {
      // The link is broken, and what is found on coming back is weighed anew.
    }
  }
}
