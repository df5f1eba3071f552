/** Where the reader is: `#/destinations/billing/attempts?outcome=refused`. */
export interface Route {
  readonly page: string
  readonly args: ReadonlyArray<string>
  readonly query: URLSearchParams
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The state of a page is in the fragment: it works behind any prefix, and reaches no log. */
export const routeOf = (hash: string): Route => {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s)
  const [page = "", ...args] = path.split("/").map(decoded)
  return { page: page === "" ? "overview" : page, args, query: new URLSearchParams(query) }
}

export type Query = Readonly<Record<string, string | null | undefined>>

/** An address of the console; parts of the query without a value are left out. */
export const href = (path: string, query: Query = {}): string => {
  const given = Object.entries(query).filter(
    (one): one is [string, string] => one[1] != null && one[1] !== "",
  )
  const text = new URLSearchParams(given).toString()
  return `#/${path}${text === "" ? "" : `?${text}`}`
}

export const destinationHref = (id: string, tab?: string): string =>
  href(`destinations/${encodeURIComponent(id)}${tab === undefined ? "" : `/${tab}`}`)
