import { ByteWriter } from "../../bytes/ByteWriter.ts"

/** In bytes, of a first body: what follows is about as large as the one before. */
const roomAtFirst = 16 * 1024

/**
 * Where a lane writes the bodies of its requests. What nobody reads any more is written over: large
 * buffers that are made and given up with each request cost more than filling them, in memory to
 * clear and in rounds of the garbage collector.
 */
export class Bodies {
  private readonly unused: Array<ByteWriter> = []
  private room = roomAtFirst

  take(): ByteWriter {
    const body = this.unused.pop() ?? new ByteWriter(this.room)
    body.cut(0)
    return body
  }

  /** @param bodies of one batch: the next one's will be about as large */
  closed(bodies: ReadonlyArray<ByteWriter>): void {
    if (bodies.length > 0) this.room = Math.ceil(Math.max(...bodies.map(({ length }) => length)) * 1.125)
  }

  giveBack(bodies: ReadonlyArray<ByteWriter>): void {
    this.unused.push(...bodies)
  }

  /** Keeps nothing for a lane that rests. */
  forget(): void {
    this.unused.length = 0
  }
}
