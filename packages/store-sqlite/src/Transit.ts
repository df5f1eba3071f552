/** In bytes; what holds more is not worth keeping. */
const room = { min: 64 * 1024, maxKept: 4 * 1024 * 1024 }

/**
 * Memory by which bytes go to a thread, one group after the other.
 *
 * To hand a buffer over detaches it, and from the first one on V8 asks, at every access to any typed array of the whole program, whether that is detached: reading events byte by
 * byte takes a third longer then. To clone it leaves megabytes of garbage a second on the other side.
 */
export class Transit {
  #memory = new SharedArrayBuffer(0)

  /** Copies the first so many bytes. They stay there until the next ones come. */
  carry(bytes: ArrayBufferLike, size: number): SharedArrayBuffer {
    if (this.#memory.byteLength < size || this.#memory.byteLength > room.maxKept) {
      this.#memory = new SharedArrayBuffer(Math.max(room.min, 2 ** Math.ceil(Math.log2(size))))
    }
    new Uint8Array(this.#memory).set(new Uint8Array(bytes, 0, size))
    return this.#memory
  }
}
