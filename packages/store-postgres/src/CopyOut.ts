import type { Connection, Submittable } from "pg"

/**
 * The columns of a row. The bytes are the driver's, and valid only until it is given the next ones.
 */
export type Row = ReadonlyArray<Uint8Array>

const signatureLength = 11

/**
 * Reads a query's rows by `COPY` in PostgreSQL's binary format: the driver reads the results of
 * other queries as text, which for bytes is hex, twice as long and far slower.
 */
export class CopyOut<A> implements Submittable {
  readonly #query: string
  readonly #decode: (row: Row) => A
  readonly #resolve: (rows: ReadonlyArray<A>) => void
  readonly #reject: (error: unknown) => void
  readonly #rows: Array<A> = []
  #begun = false
  #failure: { readonly error: unknown } | undefined

  constructor(
    query: string,
    decode: (row: Row) => A,
    resolve: (rows: ReadonlyArray<A>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#query = query
    this.#decode = decode
    this.#resolve = resolve
    this.#reject = reject
  }

  submit(connection: Connection): void {
    connection.query(`COPY (${this.#query}) TO STDOUT (FORMAT binary)`)
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    try {
      this.#read(chunk)
    } catch (error) {
      // Called by the socket, where nobody would catch it.
      this.#failure ??= { error }
    }
  }

  /** One message a row, the file's header in front of the first one. */
  #read(chunk: Buffer): void {
    let at = 0
    if (!this.#begun) {
      this.#begun = true
      const extension = chunk.readInt32BE(signatureLength + 4)
      at = signatureLength + 8 + extension
    }
    if (at >= chunk.length) return
    const columns = chunk.readInt16BE(at)
    // The file's end.
    if (columns === -1) return
    at += 2
    const row: Array<Uint8Array> = []
    for (let column = 0; column < columns; column++) {
      const length = Math.max(chunk.readInt32BE(at), 0)
      at += 4
      row.push(chunk.subarray(at, at + length))
      at += length
    }
    this.#rows.push(this.#decode(row))
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    if (this.#failure === undefined) this.#resolve(this.#rows)
    else this.#reject(this.#failure.error)
  }

  handleError(error: unknown): void {
    this.#reject(error)
  }
}
