/**
 * Headers that would be wrong in a request of one's own: what signs it, and what curl sets itself.
 */
const leftOut = /signature|^content-length$|^host$|^content-encoding$/i

const inQuotes = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The same request for a shell, without its signature. */
export const curlFor = (
  url: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
): string =>
  [
    `curl -sS ${inQuotes(url)}`,
    ...Object.entries(headers)
      .filter(([name]) => !leftOut.test(name))
      .map(([name, value]) => `-H ${inQuotes(`${name}: ${value}`)}`),
    `--data-binary ${inQuotes(body)}`,
  ].join(" \\\n  ")
