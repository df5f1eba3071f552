import { readFileSync } from "node:fs"
import { monotonicMillisOf, quietSleep, type StoreError } from "@millrace/core/store"
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { credsAuthenticator, headers, type NatsConnection, nuid } from "@nats-io/nats-core"
import { connect, type NodeConnectionOptions } from "@nats-io/transport-node"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import {
  closed,
  incompatible,
  isMissing,
  isUnheard,
  mayPass,
  tlsWanted,
  toStoreError,
  unavailable,
} from "./errors.ts"
import { bestGreeting } from "./greeting.ts"
import type { Settings } from "./Options.ts"

/** The longest pause between two attempts to connect again, in ms. */
const maxReconnectDelay = 2_000

/** A connection on which nothing comes back is given up after two of them, in ms. */
const pingInterval = 5_000

/**
 * How long one step of a call waits for its answer, in ms. A leader that dies leaves what it was
 * told unanswered, and a new one is there after some seconds: who asks in short steps hears from it
 * at once.
 */
const step = 1_000

/**
 * Doubles with each attempt, with jitter, so that a thousand clients do not come back at one
 * moment.
 */
const backOff = () => {
  let delay = 50
  return {
    next: (): number => {
      delay = Math.min(delay * 2, maxReconnectDelay)
      return delay * (0.5 + Math.random() / 2)
    },
    reset: (): void => {
      delay = 50
    },
  }
}

/** A server without a leader says so at once; it need not be asked all the time, in ms. */
export const betweenSteps = 100

interface Opening {
  /** What to call it in a message. */
  readonly server: string
  /** How long a call may take in all, in ms. */
  readonly timeout: number
  /** By which the store waits. */
  readonly clock: Clock.Clock
}

interface Managers {
  readonly manager: JetStreamManager
  readonly quick: JetStreamManager
}

/**
 * One connection to the servers, which comes back by itself. While it is away every call fails at
 * once, those under way included: a sender is better told to come again than kept waiting.
 */
export class Connection {
  readonly server: string
  /** The clock that the store was opened with, by which it waits. */
  readonly clock: Clock.Clock
  /** Tells it from all others. */
  readonly id = nuid.next()
  readonly jetstream: JetStreamClient
  readonly manager: JetStreamManager
  /** The same, for calls that may be made again: it waits for one step only. */
  readonly quick: JetStreamManager
  /** How long a call may take in all, in ms; and one step of it. */
  readonly timeout: number
  readonly step: number
  /**
   * How often it has come back: whoever remembers something of the server looks again when it is
   * another.
   */
  generation = 0
  readonly #nats: NatsConnection
  readonly #underWay = new Set<(error: StoreError) => void>()
  /** What becomes of a call for which a stream is missing. */
  whenMissing: (error: StoreError) => Effect.Effect<never, StoreError> = Effect.fail
  /** Why nothing is asked for any more. */
  #end: StoreError | undefined
  #state: "open" | "lost" | "closed" = "open"

  private constructor(nats: NatsConnection, { server, timeout, clock }: Opening, managers: Managers) {
    this.#nats = nats
    this.server = server
    this.clock = clock
    this.manager = managers.manager
    this.quick = managers.quick
    this.timeout = timeout
    this.step = Math.min(step, timeout)
    this.jetstream = jetstream(nats, { timeout: this.step })
  }

  static async make(nats: NatsConnection, opening: Opening): Promise<Connection> {
    const { timeout } = opening
    const managerOf = (patience: number) => jetstreamManager(nats, { timeout: patience, checkAPI: false })
    const managers = { manager: await managerOf(timeout), quick: await managerOf(Math.min(step, timeout)) }
    return new Connection(nats, opening, managers)
  }

  /** Such as 2.9.10. */
  get version(): string {
    return this.#nats.info?.version ?? ""
  }

  /** The most bytes of a message with its headers. */
  get maxPayload(): number {
    return this.#nats.info?.max_payload ?? 1024 * 1024
  }

  /**
   * Fails when this user may not publish there. What is sent names a stream that there is not, so
   * that none stores it.
   */
  mayPublish(subject: string): Effect.Effect<void, StoreError> {
    return this.call(async () => {
      const probe = headers()
      probe.set("Nats-Expected-Stream", "-")
      try {
        await this.#nats.request(subject, new Uint8Array(0), { timeout: this.timeout, headers: probe })
      } catch (error) {
        // There is no stream yet.
        if (!isUnheard(error)) throw error
      }
    })
  }

  get isOpen(): boolean {
    return this.#state === "open"
  }

  get isClosed(): boolean {
    return this.#state === "closed"
  }

  /** One call to the server. What it does not manage within the timeout it never manages. */
  call<A>(operation: () => Promise<A>): Effect.Effect<A, StoreError> {
    return Effect.catch(this.#call(operation), (error) =>
      isMissing(error) ? this.whenMissing(error) : Effect.fail(error),
    )
  }

  #call<A>(operation: () => Promise<A>): Effect.Effect<A, StoreError> {
    return Effect.callback((resume) => {
      const refusal = this.#refusal()
      if (refusal !== undefined) {
        resume(Effect.fail(refusal))
        return
      }
      const fail = (error: StoreError): void => {
        if (this.#underWay.delete(fail)) resume(Effect.fail(error))
      }
      this.#underWay.add(fail)
      operation().then(
        (value) => {
          if (this.#underWay.delete(fail)) resume(Effect.succeed(value))
        },
        (error) => fail(this.#state === "closed" ? closed() : toStoreError(error, this.server)),
      )
      return Effect.sync(() => {
        this.#underWay.delete(fail)
      })
    })
  }

  /**
   * A call that may be made again, in steps: for as long as nobody answers who could, and no longer
   * than a call may take in all.
   */
  insist<A>(operation: () => Promise<A>): Effect.Effect<A, StoreError> {
    return Effect.suspend(() => {
      const end = monotonicMillisOf(this.clock) + this.timeout
      return Effect.retry(this.call(operation), {
        while: (error) =>
          mayPass(error) && monotonicMillisOf(this.clock) < end
            ? Effect.as(this.#pause, true)
            : Effect.succeed(false),
      })
    })
  }

  /** By the clock that the store was opened with, whatever the caller's is. */
  readonly #pause = Effect.suspend(() =>
    Effect.provideService(quietSleep(betweenSteps), Clock.Clock, this.clock),
  )

  /** Tells everybody who listens, now or never. */
  notify(subject: string, text: string): void {
    if (this.#state === "open") this.#nats.publish(subject, text)
  }

  /** Until the scope closes. Fails when this user may not. */
  listen(
    pattern: string,
    receive: (subject: string, text: string) => void,
  ): Effect.Effect<void, StoreError, Scope.Scope> {
    let refused: Error | undefined
    const subscribe = Effect.acquireRelease(
      Effect.sync(() =>
        this.#nats.subscribe(pattern, {
          callback: (error, message) => {
            if (error === null) receive(message.subject, message.string())
            else refused = error
          },
        }),
      ),
      (subscription) => Effect.sync(() => subscription.unsubscribe()),
    )
    // The refusal comes before the answer.
    const confirm = Effect.flatMap(
      this.call(() => this.#nats.flush()),
      () => (refused === undefined ? Effect.void : Effect.fail(toStoreError(refused, this.server))),
    )
    return Effect.andThen(subscribe, confirm)
  }

  /** From now on every call fails so. */
  giveUp(error: StoreError): void {
    this.#end = error
    this.#fail(error)
  }

  #refusal(): StoreError | undefined {
    switch (this.#state) {
      case "open":
        return this.#end
      case "lost":
        return this.#end ?? unavailable(`${this.server}: the connection is lost`)
      case "closed":
        return closed()
    }
  }

  #fail(error: StoreError): void {
    for (const fail of [...this.#underWay]) fail(error)
  }

  /** Until it is closed. */
  async follow(onReconnect: () => void): Promise<void> {
    for await (const { type } of this.#nats.status()) {
      if (this.#state === "closed") return
      if (type === "disconnect") {
        this.#state = "lost"
        this.#fail(unavailable(`${this.server}: the connection was lost`))
      } else if (type === "reconnect") {
        this.#state = "open"
        this.generation += 1
        onReconnect()
      }
    }
  }

  async close(): Promise<void> {
    this.#state = "closed"
    this.#fail(closed())
    await this.#nats.close()
  }
}

/** Direct reads came with 2.9. */
const isTooOld = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major < 2 || (major === 2 && minor < 9)
}

const authentication = ({ user, password, token, creds }: Settings): NodeConnectionOptions => ({
  ...(user === undefined ? {} : { user }),
  ...(password === undefined ? {} : { pass: password }),
  ...(token === undefined ? {} : { token }),
  ...(creds === undefined ? {} : { authenticator: credsAuthenticator(readFileSync(creds)) }),
})

/** @returns a connection that lasts until the scope closes, to a server with JetStream */
export const open = Effect.fnUntraced(function* (
  settings: Settings,
  server: string,
): Effect.fn.Return<Connection, StoreError, Scope.Scope> {
  const { servers, requestTimeout: timeout, tls, creds } = settings
  const auth = yield* Effect.try({
    try: () => authentication(settings),
    catch: () => unavailable(`the credentials in "${creds}" cannot be read`),
  })
  // The client leaves its connection open to a server that never introduces itself, and the process
  // alive with it.
  const greeting = yield* Effect.promise(() => bestGreeting(servers, timeout))
  if (greeting === "silent") return yield* Effect.fail(unavailable(`${server}: no answer in time`))
  if (greeting === "tls" && !tls) return yield* Effect.fail(tlsWanted(server))
  const delays = backOff()
  const clock = yield* Clock.Clock
  const connection = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const nats = await connect({
          servers: [...servers],
          ...auth,
          ...(tls ? { tls: greeting === "tls" ? { handshakeFirst: true } : {} } : {}),
          name: "millrace",
          timeout,
          noEcho: true,
          noAsyncTraces: true,
          pingInterval,
          maxReconnectAttempts: -1,
          reconnectDelayHandler: delays.next,
          // A password that is changed on the server first is right again a moment later.
          ignoreAuthErrorAbort: true,
        })
        return Connection.make(nats, { server, timeout, clock })
      },
      catch: (error) => toStoreError(error, server),
    }),
    (opened) => Effect.promise(() => opened.close()),
  )
  void connection.follow(delays.reset)
  if (isTooOld(connection.version)) {
    return yield* Effect.fail(
      incompatible(`${server}: nats-server ${connection.version} is too old: 2.9 or newer is needed`),
    )
  }
  yield* connection.call(() => connection.manager.getAccountInfo())
  return connection
})
