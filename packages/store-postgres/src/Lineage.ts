import { Generations, type Position } from "@millrace/core/store"
import type { PoolClient } from "pg"

/** The log is of another generation than was believed. */
export interface Change {
  /** The last entry of those believed to be there that is the same. */
  readonly fork: Position.Position
  readonly head: Position.Position
  /** How many entries this process knows to be gone. */
  readonly lost: number
}

interface Entered {
  readonly generation: number
  readonly last: number
  readonly forks: ReadonlyArray<{ readonly generation: number; readonly number: number }>
}

/**
 * What this process knows of the log's generations. A statement says so, and the server refuses it
 * when the log is another one by now: on another server, after a restart, or with less than it had
 * given. Then the log is entered anew, and the statement is tried again.
 */
export class Lineage {
  readonly #schema: string
  #generations = new Generations()
  #seen = 0
  #changed: (change: Change) => void = () => {}

  constructor(schema: string) {
    this.#schema = schema
  }

  get generations(): Generations {
    return this.#generations
  }

  /**
   * The generation known, and the last entry known to be in it: the first two parameters of the
   * schema's `entered`.
   */
  get known(): readonly [generation: number, seen: number] {
    return [this.#generations.current, this.#seen]
  }

  /** An entry of the present generation is there, or was: its position was given. */
  saw(number: number): void {
    if (number > this.#seen) this.#seen = number
  }

  /** The log is a new one, which has none of the entries known: what is lost has been said. */
  renewed(): void {
    this.#seen = 0
  }

  onChange(changed: (change: Change) => void): void {
    this.#changed = changed
  }

  async enter(client: PoolClient): Promise<void> {
    const { rows } = await client.query<Entered>(
      `SELECT generation, last, forks FROM ${this.#schema}.enter($1, $2)`,
      [...this.known],
    )
    const [entered] = rows
    if (entered === undefined) throw new Error("no row")
    const before = this.#generations.current
    // Meanwhile another call of this process may have entered it.
    if (entered.generation === before) {
      this.saw(entered.last)
      return
    }
    const { generations, fork } = this.#follow(entered, before)
    const lost = Math.max(this.#seen - fork, 0)
    this.#generations = generations
    this.#seen = entered.last
    this.#changed({
      fork: generations.positionOf(fork),
      head: generations.positionOf(entered.last),
      lost,
    })
  }

  #follow({ forks, last }: Entered, before: number) {
    const later = forks.filter(({ generation }) => generation > before)
    return { generations: new Generations(forks), fork: Math.min(last, ...later.map(({ number }) => number)) }
  }
}
