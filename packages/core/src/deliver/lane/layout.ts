import { piece, type Source } from "../../bytes/ByteWriter.ts"
import type { RequestOrigin } from "../../ports/Sink.ts"

/** How the events of one request stand in its body. */
export interface Layout {
  readonly opening: Source
  /** One byte between two events. */
  readonly separator: number
  /** @param origin the one of the events, where they are written as they were sent */
  readonly closing: (origin: RequestOrigin | null) => Source
  /**
   * Makes the body of the events' JSON texts, where it is more than these in a frame; must be pure.
   * `null` where the frame is all there is.
   */
  readonly render: ((events: ReadonlyArray<string>) => Uint8Array) | null
}

/** Events with one character between each two of them. */
export const framed = (
  opening: string,
  separator: "," | "\n",
  closing: (origin: RequestOrigin | null) => string,
): Layout => {
  const usual = piece(closing(null))
  return {
    opening: piece(opening),
    separator: separator.charCodeAt(0),
    closing: (origin) => (origin === null ? usual : piece(closing(origin))),
    render: null,
  }
}

/** A bare JSON array. */
export const array: Layout = framed("[", ",", () => "]")

/** `{"data": [...]}` */
export const data: Layout = framed('{"data":[', ",", () => "]}")

/** A line for each event. */
export const ndjson: Layout = framed("", "\n", () => "\n")

/** One event with nothing around it. */
export const bare: Layout = framed("", "\n", () => "")

const encoder = new TextEncoder()

/** Something else made of the events: a message for people, or a value of the user's own. */
export const rendered = (make: (events: ReadonlyArray<string>) => string): Layout => ({
  ...ndjson,
  render: (events) => encoder.encode(make(events)),
})
