import type { LookupAddress, RecordWithTtl } from "node:dns"
import { promises as dns } from "node:dns"
import { isIPv6, type LookupFunction } from "node:net"
import { codeOf } from "./connectionError.ts"
import { candidatesOf, parseHosts, parseSearch, type Search, watchedFile } from "./hostsFile.ts"

/**
 * ms. Without a floor, an answer that may not be kept would be asked for at every connection; with
 * this ceiling a name that moves is followed within two minutes.
 */
export const keep = { atLeast: 1_000, atMost: 60_000 } as const

/**
 * ms. Long enough that a dead name is not asked for at every attempt of many destinations, and
 * short enough for one that was just made.
 */
export const keepFailure = 5_000

/** ms. The system's resolver does not say for how long its answers hold. */
const keepUnknown = 10_000

/**
 * ms. A DNS server answers one kind of question about when it answers the other, or it does not
 * answer that at all.
 */
const otherFamilyWithin = 250

/**
 * Two tries of 2 seconds and somewhat more: what does not answer then is tried again by whoever
 * waits for it.
 */
const dnsPatience = { timeout: 2_000, tries: 2 }

/**
 * The system's resolver takes one of libuv's four threads for as long as it waits: files and others
 * need the rest.
 */
const systemAtOnce = 2

/** Far more names than destinations: those that nobody asks for any more go first. */
const maxNames = 1_000

export interface NameSources {
  readonly hosts: () => ReadonlyMap<string, ReadonlyArray<string>>
  readonly search: () => Search
  readonly resolve4: (name: string) => Promise<ReadonlyArray<RecordWithTtl>>
  readonly resolve6: (name: string) => Promise<ReadonlyArray<RecordWithTtl>>
  readonly system: (name: string) => Promise<ReadonlyArray<LookupAddress>>
  /** ms that never go back. */
  readonly now: () => number
}

const hostsPath =
  process.platform === "win32"
    ? `${process.env.SystemRoot ?? "C:\\Windows"}\\System32\\drivers\\etc\\hosts`
    : "/etc/hosts"

/** The machine's own. DNS is asked by c-ares, which takes no thread. */
export const machineSources = (): NameSources => {
  const configuration = watchedFile("/etc/resolv.conf", (text) => ({
    search: parseSearch(text),
    resolver: new dns.Resolver(dnsPatience),
  }))
  return {
    hosts: watchedFile(hostsPath, parseHosts),
    search: () => configuration().search,
    resolve4: (name) => configuration().resolver.resolve4(name, { ttl: true }),
    resolve6: (name) => configuration().resolver.resolve6(name, { ttl: true }),
    system: (name) => dns.lookup(name, { all: true, verbatim: true }),
    now: () => performance.now(),
  }
}

interface Found {
  readonly addresses: ReadonlyArray<LookupAddress>
  /** ms. */
  readonly keepFor: number
}

interface Answer {
  readonly found: Promise<Found>
  /** Infinity for one that is under way. */
  until: number
}

const toAddress = (address: string): LookupAddress => ({ address, family: isIPv6(address) ? 6 : 4 })

const loopback: ReadonlyArray<LookupAddress> = ["127.0.0.1", "::1"].map(toAddress)

const notThere = new Set(["ENOTFOUND", "ENODATA", "NXDOMAIN", "ENONAME"])

/** There is no such name, or it has no address of this kind: another one may be meant. */
const saysNo = (error: unknown): boolean => notThere.has(codeOf(error) ?? "")

/**
 * The server keeps silent or is broken: asking the same by another way would take a thread for as
 * long.
 */
const isDead = (error: unknown): boolean =>
  ["ETIMEOUT", "ESERVFAIL", "EREFUSED", "ECANCELLED"].includes(codeOf(error) ?? "")

/** What came of one question. */
interface Settled {
  readonly records: ReadonlyArray<RecordWithTtl>
  readonly error: unknown
}

const settle = (question: Promise<ReadonlyArray<RecordWithTtl>>): Promise<Settled> =>
  question.then(
    (records) => ({ records, error: null }),
    (error: unknown) => ({ records: [], error }),
  )

/** A question that is still open after so many ms counts as one without an answer. */
const within = (question: Promise<Settled>, ms: number | null): Promise<Settled> =>
  ms === null
    ? question
    : new Promise((resolve) => {
        const timer = setTimeout(resolve, ms, { records: [], error: null })
        void question.then((settled) => {
          clearTimeout(timer)
          resolve(settled)
        })
      })

/**
 * Resolves the names of destinations: `/etc/hosts`, then DNS, then whatever else the system knows.
 * Each name is asked for once at a time, and an answer is kept for as long as it allows, between
 * {@link keep}'s bounds; that there is none, for {@link keepFailure}. Names that nobody answers for
 * delay no others.
 */
export class NameResolver {
  readonly #sources: NameSources
  readonly #answers = new Map<string, Answer>()
  readonly #waiting: Array<() => void> = []
  #asking = 0

  constructor(sources: NameSources) {
    this.#sources = sources
  }

  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#answer(hostname.toLowerCase()).then(
      ({ addresses }) => {
        const [first] = addresses
        if (options.all === true) callback(null, [...addresses])
        else callback(null, first!.address, first!.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    )
  }

  #answer(name: string): Promise<Found> {
    const { now } = this.#sources
    const known = this.#answers.get(name)
    if (known !== undefined && now() < known.until) return known.found
    const answer: Answer = { found: this.#find(name), until: Number.POSITIVE_INFINITY }
    answer.found.then(
      ({ keepFor }) => {
        answer.until = now() + keepFor
      },
      () => {
        answer.until = now() + keepFailure
      },
    )
    this.#answers.delete(name)
    this.#answers.set(name, answer)
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > maxNames && oldest !== undefined) this.#answers.delete(oldest)
    return answer.found
  }

  async #find(name: string): Promise<Found> {
    const { hosts, search } = this.#sources
    const listed = hosts().get(name.replace(/\.$/, ""))
    // Looking into a file costs next to nothing.
    if (listed !== undefined) return { addresses: listed.map(toAddress), keepFor: 0 }
    // RFC 6761: nobody else is asked for these.
    if (/(^|\.)localhost\.?$/.test(name)) return { addresses: loopback, keepFor: 0 }
    for (const candidate of candidatesOf(name, search())) {
      try {
        return await this.#askDns(candidate)
      } catch (error) {
        if (isDead(error)) throw error
        if (!saysNo(error)) break
      }
    }
    return this.#askSystem(name)
  }

  async #askDns(name: string): Promise<Found> {
    const questions = [settle(this.#sources.resolve6(name)), settle(this.#sources.resolve4(name))] as const
    const { records } = await Promise.race(questions)
    const patience = records.length > 0 ? otherFamilyWithin : null
    const [v6, v4] = await Promise.all([within(questions[0], patience), within(questions[1], patience)])
    const found = [...v6.records, ...v4.records]
    if (found.length > 0) {
      const seconds = Math.min(...found.map(({ ttl }) => ttl))
      return {
        addresses: found.map(({ address }) => toAddress(address)),
        keepFor: Math.min(Math.max(seconds * 1000, keep.atLeast), keep.atMost),
      }
    }
    const errors = [v4.error, v6.error]
    throw errors.find((error) => error !== null && !saysNo(error)) ?? v4.error ?? v6.error ?? noAddress()
  }

  async #askSystem(name: string): Promise<Found> {
    if (this.#asking >= systemAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#asking += 1
    try {
      const addresses = await this.#sources.system(name)
      if (addresses.length === 0) throw noAddress()
      return { addresses, keepFor: keepUnknown }
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#asking -= 1
      else next()
    }
  }
}

const noAddress = () => Object.assign(new Error("no address"), { code: "ENOTFOUND" })
