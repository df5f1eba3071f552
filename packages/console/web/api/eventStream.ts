/** One message of a text/event-stream. */
export interface Message {
  readonly id: string | null
  readonly data: string
}

/**
 * Reads text/event-stream as it arrives, in pieces that end anywhere. Names of events and times of
 * reconnecting are left out: the console sends none.
 */
export const makeParser = (): ((piece: string) => ReadonlyArray<Message>) => {
  let rest = ""
  let id: string | null = null
  let data: Array<string> = []

  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop()!
    const messages: Array<Message> = []
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) messages.push({ id, data: data.join("\n") })
        data = []
        continue
      }
      const colon = line.indexOf(":")
      const field = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "")
      if (field === "data") data.push(value)
      if (field === "id") id = value
    }
    return messages
  }
}

/** The messages of an answer, until it ends or breaks off. */
export async function* messagesOf(response: Response): AsyncGenerator<Message> {
  if (response.body === null) return
  const parse = makeParser()
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield* parse(value)
    }
  } finally {
    // Leaving early ends the request.
    reader.cancel().catch(() => {})
  }
}
