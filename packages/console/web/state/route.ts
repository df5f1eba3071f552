import { href, type Query, routeOf } from "./address.ts"
import { signal } from "./signals.ts"

export { destinationHref, href, type Query } from "./address.ts"

export const route = signal(routeOf(location.hash))

export const go = (address: string): void => {
  location.hash = address
}

/** Changes parts of the query of the page that is open. */
export const narrow = (changes: Query): void => {
  const path = location.hash.replace(/^#\/?/, "").split("?")[0]!
  go(href(path, { ...Object.fromEntries(route.peek().query), ...changes }))
}

/** Before the tab's title, for as long as something is to be told from there: "● arrived". */
export const titleMark = signal("")
export const title = signal("")

export const startRoute = (): void => {
  addEventListener("hashchange", () => {
    route.value = routeOf(location.hash)
  })
}
