import type { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { type ClientConfig, Pool, type PoolClient, type QueryResultRow, types } from "pg"
import { CopyOut, type Row } from "./CopyOut.ts"
import { cancel } from "./cancel.ts"
import {
  closed,
  isAnswer,
  isMissing,
  isOfAnother,
  isOutOfRoom,
  isPassing,
  isReadOnly,
  storeErrorOf,
  unavailable,
} from "./errors.ts"
import { Health } from "./Health.ts"
import { Lineage } from "./Lineage.ts"
import type { Settings } from "./Options.ts"

export type Value = string | number | boolean | null | Uint8Array | ReadonlyArray<string | number | null>

/** A statement rolled back for the sake of others is tried so often. */
const maxTries = 10

/** Making a schema takes longer than a call, in ms. */
const renewalTime = 60_000

/** How long closing waits for a server that says nothing, in ms. */
const closingTime = 2000

const int8 = 20
const int8Array = 1016

/** Numbers here stay below 2^53. */
const numbers = (text: string): ReadonlyArray<number> =>
  text === "{}" ? [] : text.slice(1, -1).split(",").map(Number)

const typeParser = (id: number, format?: "text" | "binary"): ((text: string) => unknown) => {
  switch (id) {
    case int8:
      return Number
    case int8Array:
      return numbers
    default:
      return types.getTypeParser(id, format)
  }
}

export interface RunOptions {
  /** ms, instead of those set. */
  readonly timeout?: number
  /** Whether it may use what is held in reserve for a server that is full: it may by default. */
  readonly isUrgent?: boolean
}

export const clientConfig = ({ url, requestTimeout }: Settings): ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: requestTimeout,
  keepAlive: true,
  fallback_application_name: "millrace",
  types: { getTypeParser: typeParser },
})

const ignore = (): void => {}

/** An identifier as it stands in a statement. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A list of numbers as a parameter. */
export const list = (values: Iterable<number | bigint>): string => `{${[...values].join(",")}}`

/**
 * The connections to one database. Every statement stands for itself, without a session's state or
 * a name, so that a pooler may be in between; every call ends in bounded time.
 */
export class Database {
  /** The schema, as it stands in a statement. */
  readonly schema: string
  /** The log that these are connections to, as far as this process knows it. */
  readonly lineage: Lineage
  readonly #place: string
  readonly #timeout: number
  readonly #pool: Pool
  readonly #running = new Set<Promise<unknown>>()
  /**
   * When each connection was made, by the monotonic clock: those made before a server said that it
   * takes nothing are not used again.
   */
  readonly #madeAt = new WeakMap<PoolClient, number>()
  #readOnlyAt = Number.NEGATIVE_INFINITY
  /**
   * Called when something is missing that a statement needs, before it is tried once more. Fails
   * where that makes no sense.
   */
  whenMissing: (client: PoolClient) => Promise<void> = () => Promise.resolve()
  /** Called when there is no room for what is urgent, before it is tried once more. */
  whenFull: () => Promise<void> = () => Promise.resolve()
  /** Called when nothing is asked for any more. */
  onEnd: (error: StoreError) => void = () => {}
  /** Why nothing is asked for any more. */
  #end: StoreError | undefined
  readonly #health = new Health()
  #closed = false

  /** @param place to be named in messages */
  constructor(settings: Settings, place: string) {
    this.schema = quoted(settings.schema)
    this.lineage = new Lineage(this.schema)
    this.#place = place
    this.#timeout = settings.requestTimeout
    this.#pool = new Pool({
      ...clientConfig(settings),
      max: settings.connections,
      idleTimeoutMillis: 30_000,
      allowExitOnIdle: true,
    })
    // Errors of connections nobody uses at the moment: the next call makes another.
    this.#pool.on("error", ignore)
    this.#pool.on("connect", (client) => {
      this.#madeAt.set(client, performance.now())
      client.on("error", ignore)
    })
  }

  /** Asks a server that does not answer whether it does again, for as long as it runs. */
  readonly watching: Effect.Effect<never> = Effect.suspend(() =>
    this.#health.watching(
      Effect.tryPromise({
        try: () => {
          const timeout = this.#timeout
          return this.#within(timeout, performance.now() + timeout, this.#pool.connect(), (client) =>
            client.query("SELECT 1"),
          )
        },
        catch: (error) => error,
      }),
    ),
  )

  query<R extends QueryResultRow>(
    text: string,
    values: ReadonlyArray<Value> = [],
  ): Effect.Effect<ReadonlyArray<R>, StoreError> {
    return this.use(async (client) => (await client.query<R>(text, [...values])).rows)
  }

  /** For a statement of one row. */
  one<R extends QueryResultRow>(
    text: string,
    values: ReadonlyArray<Value> = [],
  ): Effect.Effect<R, StoreError> {
    return Effect.map(this.query<R>(text, values), ([row]) => {
      if (row === undefined) throw new Error(`no row: ${text}`)
      return row
    })
  }

  /** The rows of a query without parameters, as bytes. It is made anew for each try. */
  copy<A>(query: () => string, decode: (row: Row) => A): Effect.Effect<ReadonlyArray<A>, StoreError> {
    return this.use(
      (client) =>
        new Promise((resolve, reject) => client.query(new CopyOut(query(), decode, resolve, reject))),
    )
  }

  /** @param timeout in ms, instead of the one set */
  use<A>(body: (client: PoolClient) => Promise<A>, timeout?: number): Effect.Effect<A, StoreError> {
    return Effect.callback((resume) => {
      if (this.#closed) {
        resume(Effect.fail(closed()))
        return
      }
      this.run(body, timeout === undefined ? {} : { timeout }).then(
        (value) => resume(Effect.succeed(value)),
        (error: unknown) => resume(this.failed(error)),
      )
    })
  }

  /** What is made of calls to {@link Database.run}. */
  attempt<A>(body: () => Promise<A>): Effect.Effect<A, StoreError> {
    return Effect.catch(Effect.tryPromise({ try: body, catch: (error) => error }), (error) =>
      this.failed(error),
    )
  }

  /** What {@link Database.run} fails with, as the ports say it. */
  failed(error: unknown): Effect.Effect<never, StoreError> {
    const known = storeErrorOf(error, this.#place, this.lineage.generations)
    return known === null ? Effect.die(error) : Effect.fail(known)
  }

  /** The same outside of Effect; fails with whatever the driver fails with. */
  run<A>(body: (client: PoolClient) => Promise<A>, options: RunOptions = {}): Promise<A> {
    const running = this.#perform(body, options).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  /** From now on every call fails so. */
  giveUp(error: StoreError): void {
    this.#end = error
    this.onEnd(error)
  }

  get end(): StoreError | undefined {
    return this.#end
  }

  /** Closes the connections when what was asked before is done: later calls fail with `Closed`. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#running)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closingTime)
    })
    await Promise.race([this.#pool.end(), late])
    clearTimeout(timer)
  }

  async #perform<A>(
    body: (client: PoolClient) => Promise<A>,
    { timeout = this.#timeout, isUrgent = true }: RunOptions,
  ): Promise<A> {
    const deadline = performance.now() + timeout
    let entering = false
    let missing: "never" | "now" | "once" = "never"
    let anew = false
    let mayMakeRoom = isUrgent
    for (let tries = 1; ; tries++) {
      try {
        if (missing === "now") {
          missing = "once"
          entering = true
          await this.#within(renewalTime, performance.now() + renewalTime, this.#connect(), this.whenMissing)
        }
        if (entering) {
          await this.#within(timeout, deadline, this.#connect(), (client) => this.lineage.enter(client))
          entering = false
        }
        const value = await this.#within(timeout, deadline, this.#connect(), body)
        this.#health.answered()
        return value
      } catch (error) {
        if (isPassing(error) && tries < maxTries) continue
        if (isOfAnother(error) && tries < maxTries) {
          entering = true
          continue
        }
        if (isMissing(error) && missing === "never") {
          missing = "now"
          continue
        }
        if (isOutOfRoom(error) && mayMakeRoom) {
          mayMakeRoom = false
          await this.whenFull()
          continue
        }
        if (isReadOnly(error)) {
          this.#readOnlyAt = performance.now()
          // All connections are made anew: behind the address there may be the server that took
          // over.
          if (!anew) {
            anew = true
            continue
          }
        }
        if (isAnswer(error)) this.#health.answered()
        else this.#health.doubt()
        throw error
      }
    }
  }

  async #connect(): Promise<PoolClient> {
    if (this.#pool.ending) throw closed()
    if (this.#end !== undefined) throw this.#end
    const { failure, answers } = this.#health
    if (failure !== undefined) throw failure.error
    try {
      for (;;) {
        const client = await this.#pool.connect()
        if ((this.#madeAt.get(client) ?? 0) >= this.#readOnlyAt) return client
        client.release(true)
      }
    } catch (error) {
      this.#health.fail(error, answers)
      throw error
    }
  }

  /** Gives a connection back when the body is done, and gives it up when it is not done in time. */
  async #within<A>(
    timeout: number,
    deadline: number,
    connecting: Promise<PoolClient>,
    body: (client: PoolClient) => Promise<A>,
  ): Promise<A> {
    let give: ((broken: boolean) => void) | undefined
    let timer: NodeJS.Timeout | undefined
    let late = false
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late = true
        give?.(true)
        reject(unavailable(`${this.#place}: no answer within ${timeout} ms`))
      }, deadline - performance.now())
    })
    const perform = async (): Promise<A> => {
      const client = await connecting
      if (late) {
        client.release()
        return await expired
      }
      give = (broken) => {
        give = undefined
        if (late) cancel(client)
        client.release(broken)
      }
      try {
        const value = await body(client)
        give?.(false)
        return value
      } catch (error) {
        give?.(!isAnswer(error))
        throw error
      }
    }
    const performed = perform()
    // Too late, nobody listens any more.
    performed.catch(ignore)
    try {
      return await Promise.race([performed, expired])
    } finally {
      clearTimeout(timer)
    }
  }
}
