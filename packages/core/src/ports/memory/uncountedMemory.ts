/**
 * Memory for what is kept for long and only grows up to a cap. V8 counts all other memory outside
 * of its heap towards its next collection of everything, which for a log that fills would come
 * every few megabytes, and find nothing.
 */
export const longLived = (bytes: number): ArrayBufferLike =>
  typeof SharedArrayBuffer === "function" ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)
