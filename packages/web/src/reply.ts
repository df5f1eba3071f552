import type { HttpIngest } from "@millrace/core"
import type { Upload } from "./upload.ts"

const encoder = new TextEncoder()

/**
 * A body that ends when the upload does: a host that ends its response earlier may close the
 * connection under the hands of a client that writes all of its body before it reads.
 */
const heldOpen = (bytes: Uint8Array, upload: Upload): ReadableStream<Uint8Array> => {
  let isSent = false
  return new ReadableStream({
    pull: async (controller) => {
      if (!isSent) {
        isSent = true
        return controller.enqueue(bytes)
      }
      await upload.discard()
      controller.close()
    },
  })
}

/** Makes a `Response` of a reply, with a length, whether or not all of the upload has come. */
export const replyTo = (
  request: Request,
  { status, headers, body }: HttpIngest.IngestReply,
  withCors: boolean,
  upload: Upload,
): Response => {
  const sent = new Headers(headers)
  if (!withCors) for (const name in headers) if (name.startsWith("access-control-")) sent.delete(name)
  const bytes = typeof body === "string" ? encoder.encode(body) : body
  const isBodyless = status === 204 || status === 304
  if (!isBodyless) sent.set("content-length", String(bytes.length))
  if (isBodyless || request.method === "HEAD" || bytes.length === 0) {
    void upload.discard()
    return new Response(null, { status, headers: sent })
  }
  const content = upload.isOpen() ? heldOpen(bytes, upload) : (bytes as Uint8Array<ArrayBuffer>)
  return new Response(content, { status, headers: sent })
}
