import { Redis } from "ioredis"
import { messageOf } from "./errors.ts"
import type { Settings } from "./Options.ts"

/** What Redis takes as a command's argument; bytes go as they are. */
export type Argument = string | number | Buffer

/** What Redis answers, texts as bytes. */
export type Reply = null | number | Buffer | ReadonlyArray<Reply>

export type Command = readonly [name: string, parameters: ReadonlyArray<Argument>]

export interface LinkOptions {
  /** Whether a call that waits for its answer keeps the process alive. */
  readonly holdsProcess: boolean
  /** After how many ms without any answer a link with calls waiting is given up. */
  readonly patience: number
}

/**
 * The link broke, so nobody knows whether the call was carried out. Anything else a call fails with
 * is Redis's answer.
 */
export class Broken extends Error {}

/**
 * One connection, from its making to its end: it never mends itself, and when it ends every call on
 * it fails. It keeps the process alive only while something is waited for.
 */
export class Link {
  readonly #redis: Redis
  readonly #options: LinkOptions
  #pending = 0
  #answeredAt = 0
  #watch: NodeJS.Timeout | undefined
  #why: string | undefined
  /** What the server answered to the password or the number of the database. */
  #refusal: Error | undefined
  /** Resolves, with the reason, when the connection has ended. */
  readonly ended: Promise<string>

  private constructor(settings: Settings, options: LinkOptions) {
    this.#options = options
    this.#redis = new Redis({
      host: settings.host,
      port: settings.port,
      db: settings.database,
      ...(settings.username === null ? {} : { username: settings.username }),
      ...(settings.password === null ? {} : { password: settings.password }),
      ...(settings.secure ? { tls: settings.tls } : {}),
      protocol: 2,
      lazyConnect: true,
      retryStrategy: () => null,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      connectTimeout: settings.requestTimeout,
    })
    this.#redis.on("error", (error) => this.#break(error))
    this.ended = new Promise((resolve) => {
      this.#redis.once("end", () => resolve(this.#why ?? "the server closed the connection"))
    })
  }

  /** Rejects with {@link Broken}, or with what Redis answered to the password. */
  static async connect(settings: Settings, options: LinkOptions): Promise<Link> {
    const link = new Link(settings, options)
    await link.#connect(settings.requestTimeout)
    return link
  }

  call(command: string, parameters: ReadonlyArray<Argument> = []): Promise<Reply> {
    this.#begin()
    return (this.#redis.callBuffer(command, parameters as Array<Argument>) as Promise<Reply>).then(
      (reply) => {
        this.#answer()
        return reply
      },
      (error: unknown) => {
        this.#answer()
        throw isReply(error) ? error : new Broken(this.#why ?? messageOf(error))
      },
    )
  }

  /** Commands that Redis carries out all together or not at all. Returns the last one's answer. */
  async transaction(commands: ReadonlyArray<Command>): Promise<Reply> {
    const calls: ReadonlyArray<Command> = [["MULTI", []], ...commands, ["EXEC", []]]
    const answers = await Promise.allSettled(
      calls.map(([command, parameters]) => this.call(command, parameters)),
    )
    for (const answer of answers) if (answer.status === "rejected") throw answer.reason
    const executed = answers.at(-1)
    const replies = executed?.status === "fulfilled" && Array.isArray(executed.value) ? executed.value : []
    for (const reply of replies) if (reply instanceof Error) throw reply
    return replies.at(-1) ?? null
  }

  /** Ends it at once: nothing that waits is answered. */
  end(why: string): void {
    this.#why ??= why
    clearTimeout(this.#watch)
    this.#redis.disconnect()
    this.#redis.stream?.destroy()
  }

  async #connect(timeout: number): Promise<void> {
    // Time for the whole: a server may take the connection and then not answer to the password.
    const timer = setTimeout(() => this.end(`no answer within ${timeout} ms`), timeout)
    try {
      await this.#redis.connect()
    } catch (error) {
      throw this.#refusal ?? new Broken(this.#why ?? messageOf(error))
    } finally {
      clearTimeout(timer)
    }
    // ioredis goes on after the server has refused the database.
    if (this.#refusal !== undefined) throw this.#refusal
    this.#redis.stream.unref()
  }

  #break(error: Error): void {
    if (isReply(error)) this.#refusal ??= error
    this.#why ??= messageOf(error)
    this.#redis.disconnect()
  }

  #begin(): void {
    this.#pending += 1
    if (this.#pending > 1) return
    this.#answeredAt = performance.now()
    if (this.#options.holdsProcess) this.#redis.stream.ref()
    if (this.#watch === undefined) this.#watchFor(this.#options.patience)
  }

  #answer(): void {
    this.#pending -= 1
    this.#answeredAt = performance.now()
    if (this.#pending === 0 && this.#options.holdsProcess) this.#redis.stream.unref()
  }

  /** One timer for all calls: each would cost more than its answer. */
  #watchFor(time: number): void {
    this.#watch = setTimeout(() => {
      this.#watch = undefined
      if (this.#pending === 0) return
      const left = this.#answeredAt + this.#options.patience - performance.now()
      if (left <= 0) this.end(`no answer within ${this.#options.patience} ms`)
      else this.#watchFor(left)
    }, time)
    this.#watch.unref()
  }
}

/** Whether Redis itself said so. */
const isReply = (error: unknown): error is Error => error instanceof Error && error.name === "ReplyError"
