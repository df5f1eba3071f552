import { readFileSync, statSync } from "node:fs"
import { isIP } from "node:net"

/**
 * A file of the system that is read again once it has changed. Synchronous: look-ups of others may
 * keep all of libuv's threads busy, on which files wait too.
 */
export const watchedFile = <A>(path: string, parse: (text: string) => A): (() => A) => {
  let seen = ""
  let last: A | undefined
  return () => {
    let version = "none"
    try {
      const { mtimeMs, size, ino } = statSync(path)
      version = `${mtimeMs} ${size} ${ino}`
    } catch {}
    if (last === undefined || version !== seen) {
      seen = version
      last = parse(version === "none" ? "" : textOf(path))
    }
    return last
  }
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

const linesOf = (text: string): ReadonlyArray<ReadonlyArray<string>> =>
  text.split("\n").map((line) =>
    line
      .replace(/[#;].*/, "")
      .trim()
      .split(/\s+/),
  )

/** The addresses of names, in lower case, as `/etc/hosts` gives them. */
export const parseHosts = (text: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const hosts = new Map<string, Array<string>>()
  for (const [address = "", ...names] of linesOf(text)) {
    if (isIP(address) === 0) continue
    for (const name of names) {
      const known = hosts.get(name.toLowerCase())
      if (known === undefined) hosts.set(name.toLowerCase(), [address])
      else if (!known.includes(address)) known.push(address)
    }
  }
  return hosts
}

/** How `/etc/resolv.conf` completes a name. */
export interface Search {
  readonly domains: ReadonlyArray<string>
  /** A name with as many dots is tried as it stands first. */
  readonly dots: number
}

export const parseSearch = (text: string): Search => {
  let domains: ReadonlyArray<string> = []
  let dots = 1
  for (const [keyword, ...values] of linesOf(text)) {
    if (keyword === "search") domains = values
    if (keyword === "domain") domains = values.slice(0, 1)
    if (keyword !== "options") continue
    for (const value of values) {
      const given = /^ndots:(\d{1,2})$/.exec(value)
      if (given !== null) dots = Math.min(Number(given[1]), 15)
    }
  }
  return {
    domains: domains.map((domain) => domain.replace(/\.$/, "")).filter((domain) => domain !== ""),
    dots,
  }
}

/**
 * The names that are asked for in the place of one, in the order of glibc: whoever has one of them
 * first is meant.
 */
export const candidatesOf = (name: string, { domains, dots }: Search): ReadonlyArray<string> => {
  if (name.endsWith(".")) return [name.slice(0, -1)]
  const completed = domains.map((domain) => `${name}.${domain}`)
  return name.split(".").length - 1 >= dots ? [name, ...completed] : [...completed, name]
}
