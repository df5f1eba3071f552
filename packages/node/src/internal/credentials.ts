/**
 * As bytes. A `%` that begins no escape stands for itself, as other clients have it: passwords are
 * pasted as they are.
 */
const percentDecoded = (text: string): Buffer =>
  Buffer.concat(
    text
      .split(/(%[\da-f]{2})/i)
      .map((part, at) => (at % 2 === 1 ? Buffer.from(part.slice(1), "hex") : Buffer.from(part))),
  )

/** What says who asks, of a URL with credentials; `null` of one without. */
export const basicOf = ({ username, password }: URL): string | null => {
  if (username === "" && password === "") return null
  const pair = Buffer.concat([percentDecoded(username), Buffer.from(":"), percentDecoded(password)])
  return `Basic ${pair.toString("base64")}`
}

/**
 * Credentials in a URL become the header they stand for, as with other HTTP clients; a header that
 * is given wins.
 */
export const withCredentials = (
  url: URL,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  const authorization = basicOf(url)
  if (authorization === null) return headers
  if (Object.keys(headers).some((name) => name.toLowerCase() === "authorization")) return headers
  return { ...headers, authorization }
}
