/** What the app of the `guest` benchmark is asked, 4 KB of JSON. */
export interface Order {
  readonly buyer: string
  readonly lines: ReadonlyArray<{
    readonly article: string
    readonly note: string
    readonly price: number
    readonly count: number
  }>
}

/** What it answers, 7 KB of JSON. */
export interface Receipt {
  readonly buyer: string
  readonly total: number
  readonly lines: ReadonlyArray<
    Order["lines"][number] & { readonly total: number; readonly fingerprint: string }
  >
}

const order: Order = {
  buyer: "buyer-000042",
  lines: Array.from({ length: 40 }, (_, n) => ({
    article: `article-${String(n).padStart(6, "0")}`,
    note: "deliver to the back door, please",
    price: 100 + ((n * 37) % 900),
    count: 1 + (n % 5),
  })),
}

/** One whole HTTP request for an order, ready for a socket. */
export const orderRequest = (): Buffer => {
  const content = JSON.stringify(order)
  return Buffer.from(
    [
      "POST /orders HTTP/1.1",
      "host: 127.0.0.1",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(content)}`,
      "",
      content,
    ].join("\r\n"),
  )
}
