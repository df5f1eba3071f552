/** Credentials in a URL become the header they stand for, as with other HTTP clients; a header that is given wins. */
export const withCredentials = (
  url: URL,
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => {
  if (url.username === "" && url.password === "") return headers
  if (Object.keys(headers).some((name) => name.toLowerCase() === "authorization")) return headers
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return { ...headers, authorization: `Basic ${Buffer.from(pair).toString("base64")}` }
}
