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

/**
 * Credentials in a URL become the header they stand for, as with other HTTP clients; a header that
 * is given wins.
 */
export const withCredentials = (
  url: URL,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  if (url.username === "" && url.password === "") return headers
  if (Object.keys(headers).some((name) => name.toLowerCase() === "authorization")) return headers
  const pair = Buffer.concat([percentDecoded(url.username), Buffer.from(":"), percentDecoded(url.password)])
  return { ...headers, authorization: `Basic ${pair.toString("base64")}` }
}
