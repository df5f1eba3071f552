import { Filter } from "@millrace/core"
import type { Rows } from "@millrace/core/host"
import type { InputOf, OutputOf, Path, Status } from "../../../web/api/rows.ts"
import { attemptsAt } from "./attempts.ts"
import { configsAt } from "./configs.ts"
import { historyAt } from "./histories.ts"
import { causesOf, isOfCause, lettersAt } from "./letters.ts"
import { names } from "./names.ts"
import { Refused } from "./refused.ts"

type Answers = { readonly [P in Path]?: (input: InputOf<P>) => OutputOf<P> | Promise<OutputOf<P>> }

const reply: OutputOf<"destinations/test"> = {
  outcome: "delivered",
  status: 202,
  error: null,
  headers: { "content-type": "application/json" },
  body: '{"received":1}',
  duration: 84,
  timing: { dns: 3, connect: 12, tls: 24, firstByte: 44 },
  address: "203.0.113.9",
  advice: "The receiver takes events.",
  request: { headers: {}, body: "[]" },
}

/** What a replay tells while it runs: a twentieth more each time it is looked at. */
const stepOf = (job: Rows.Job): Rows.Job => {
  if (job.endedAt !== null || job.total === null) return job
  const looked = Math.min(job.looked + Math.ceil(job.total / 20), job.total)
  const failed = Math.min(Math.round(job.total * 0.02), looked)
  return {
    ...job,
    looked,
    failed,
    delivered: looked - failed,
    endedAt: looked === job.total ? Date.now() : null,
  }
}

/**
 * The parts of the stand-in that are behind pages of destinations, dead letters, keys and health:
 * what is changed there stays changed.
 *
 * @param status as it is now
 */
export const makePages = (status: () => Status) => {
  const start = Date.now()
  const configs = configsAt(start)
  let letters = lettersAt(start)
  let jobs: ReadonlyArray<Rows.Job> = []
  let keys: ReadonlyArray<OutputOf<"keys/list">["keys"][number]> = [
    ["web shop", "client", "3kQz", "added", 9_000, 5_120_441],
    ["shop backend", "server", "x81A", "added", 2_000, 840_113],
    ["ios app", "client", "pp0d", "configured", 41_000, 60_926],
    ["old partner", "client", "77Tf", "added", 1_123_200_000, 0],
    ["<img src=x onerror=alert(1)>", "client", "\u202Eab", "added", null, 0],
  ].map(([name, kind, hint, origin, ago, events], at) => ({
    id: `k${at}`,
    name: name as string,
    kind: kind as "client" | "server",
    hint: hint as string,
    origin: origin as "added" | "configured",
    createdAt: start - 3_000_000_000,
    lastUsedAt: ago === null ? null : start - (ago as number),
    events: events as number,
  }))

  const rowOf = (id: string) => {
    const row = status().destinations.find((one) => one.id === id)
    if (row === undefined) throw new Refused(404, `destination "${id}" is not known`)
    return row
  }
  const configOf = (id: string) => {
    const config = configs.get(id)
    if (config === undefined) throw new Refused(404, `destination "${id}" is not known`)
    return { ...config, selects: rowOf(id).selects }
  }
  const chosen = ({ destination, cause, eventIds }: Rows.LetterChoice) => {
    const ids = eventIds === undefined ? null : new Set(eventIds)
    return letters.filter(
      (letter) =>
        letter.destination === destination &&
        (ids === null || ids.has(letter.eventId)) &&
        (cause === undefined || isOfCause(letter, cause)),
    )
  }
  const begin = (kind: Rows.Job["kind"], destination: string, total: number): string => {
    const name = `${kind}-${jobs.length + 1}`
    jobs = [
      ...jobs,
      {
        name,
        kind,
        destination,
        total,
        looked: 0,
        delivered: 0,
        filtered: 0,
        failed: 0,
        startedAt: Date.now(),
        endedAt: null,
        stopped: null,
      },
    ]
    return name
  }

  const answers: Answers = {
    "destinations/get": ({ id }) => configOf(id),
    "destinations/change": ({ id, changes, expected }) => {
      const config = configOf(id)
      if (config.origin === "configured")
        throw new Refused(409, `destination "${id}" is in the configuration`)
      if (config.revision !== expected)
        throw new Refused(409, `destination "${id}" has been changed by somebody else`)
      const revision = String(Number(config.revision) + 1)
      configs.set(id, { ...config, config: { ...config.config, ...(changes as object) }, revision })
      return { revision }
    },
    "destinations/test": ({ id, destination }) =>
      id === "billing" || destination?.url.includes("401")
        ? {
            ...reply,
            outcome: "misconfigured",
            status: 401,
            headers: { "www-authenticate": "Signature" },
            body: "missing signature",
            advice:
              "The receiver is there, but does not take this: it asks for a signature. Put the secret into it, and test again.",
          }
        : reply,
    "destinations/add": () => ({}),
    "destinations/remove": () => ({}),
    "destinations/disable": () => ({}),
    "destinations/skip": ({ id }) => ({ events: rowOf(id).pending }),
    "destinations/rewind": () => ({ events: 40_112 }),
    "destinations/history": ({ id, range }) => historyAt(Date.now(), rowOf(id), range, status().startedAt),
    "destinations/try-filter": ({ selection, limit = 1000, examples = 5 }) => {
      const filter = (selection as { filter: Filter.Filter }).filter
      if (JSON.stringify(filter.where)?.includes("nonsense"))
        throw new Refused(
          400,
          "filter.where.all[0].field: expected a path that begins with one of eventName, user",
        )
      const passes = Filter.compile({ ...filter, where: null }).name
      const all = names.reduce((sum, { volume }) => sum + volume, 0)
      const share = (filter.where === null ? 1 : 0.612) * filter.sample
      const counted = names.map(({ eventName, volume }) => {
        const looked = Math.round((volume / all) * limit)
        return { eventName, looked, passed: passes(eventName) ? Math.round(looked * share) : 0 }
      })
      return {
        looked: limit,
        passed: counted.reduce((sum, { passed }) => sum + passed, 0),
        unexportable: 0,
        names: counted.filter(({ looked }) => looked > 0),
        examples:
          examples === 0
            ? []
            : [
                {
                  eventName: "page_viewed",
                  user: { userID: "u_48213", country: "DE" },
                  userID: "u_48213",
                  timestamp: start,
                  value: "",
                  metadata: { page: "/p/tarn-shell-jacket", referrer: "newsletter" },
                  statsigMetadata: { sdkType: "javascript-client" },
                  timeUUID: "9f2c41d0-c4a1-11f1-9b7e-1d2c3b4a5968",
                  unitID: "userID",
                },
              ],
      }
    },
    "secrets/create": ({ id }) => {
      const config = configOf(id)
      const secret = "whsec_9sEgKtR4iXoUwZk3uQ1xW0v7mJr5bTq8LhYc2N6dPfA="
      configs.set(id, { ...config, secrets: [...config.secrets, { kind: "standardWebhooks", hint: "PfA=" }] })
      return { secret, hint: "PfA=" }
    },
    "secrets/retire": ({ id, hint }) => {
      const config = configOf(id)
      configs.set(id, { ...config, secrets: config.secrets.filter((secret) => secret.hint !== hint) })
      return {}
    },
    "attempts/list": ({ destination, failuresOnly = false, limit = 100 }) => ({
      attempts: attemptsAt(Date.now(), rowOf(destination ?? "billing"))
        .filter(({ outcome }) => !failuresOnly || outcome !== "delivered")
        .slice(0, limit),
    }),
    "attempts/get": ({ destination, webhookId }) => ({
      attempt: attemptsAt(Date.now(), rowOf(destination)).find((one) => one.webhookId === webhookId)!,
      request: {
        headers: {
          "content-type": "application/json",
          "webhook-id": webhookId,
          "webhook-signature": "v1,…",
          "user-agent": "millrace",
        },
        body: JSON.stringify([
          { eventName: "checkout_completed", user: { userID: "u_48213" }, value: "149.95" },
        ]),
        events: 1,
      },
    }),
    replay: ({ destination }) => ({ replay: begin("range", destination, 41_220) }),
    "jobs/list": () => ({ jobs }),
    "jobs/stop": ({ name }) => {
      jobs = jobs.map((job) =>
        job.name === name ? { ...job, endedAt: Date.now(), stopped: "stopped by hand" } : job,
      )
      return {}
    },
    "dead-letters/causes": ({ destination }) => {
      const total = Object.values(status().deadLetters).reduce((sum, count) => sum + count, 0)
      if (total === 0) return { causes: [], looked: 0, isAll: true }
      const of = letters.filter((letter) => destination === undefined || letter.destination === destination)
      return { causes: causesOf(of), looked: of.length, isAll: true }
    },
    "dead-letters/list": ({ destination, cause, limit = 100, after }) => {
      const of = letters.filter(
        (letter) =>
          (destination === undefined || letter.destination === destination) &&
          (cause === undefined || isOfCause(letter, cause)),
      )
      const from = Number(after ?? 0)
      return {
        letters: of.slice(from, from + limit),
        next: from + limit < of.length ? String(from + limit) : null,
      }
    },
    "dead-letters/begin-replay": (choice) => {
      const total = chosen(choice).length
      return { job: begin("letters", choice.destination, total), total }
    },
    "dead-letters/purge-chosen": (choice) => {
      const gone = new Set(chosen(choice))
      letters = letters.filter((letter) => !gone.has(letter))
      return { purged: gone.size }
    },
    "keys/list": () => ({ keys }),
    "keys/create": ({ name, kind }) => {
      if (name.length > 80) throw new Refused(400, "name: expected 80 characters at most")
      const id = `k${keys.length}`
      keys = [
        ...keys,
        { id, name, kind, hint: "hYcN", origin: "added", createdAt: Date.now(), lastUsedAt: null, events: 0 },
      ]
      return { id, key: `${kind === "server" ? "secret" : "client"}-8sQ2vK1mT0xLw7eZpR4hYcN` }
    },
    "keys/revoke": ({ id }) => {
      keys = keys.filter((key) => key.id !== id)
      return {}
    },
    "changes/list": () => ({
      changes: [
        {
          id: "2",
          at: start - 600_000,
          who: "console, full access",
          did: "destinations/change",
          what: "growth-crm",
        },
        { id: "1", at: start - 9_000_000, who: "command", did: "keys/revoke", what: "k7" },
      ],
    }),
    "processes/list": () => ({
      processes: [
        {
          ...{ name: "primary", does: "log, lanes, console" },
          ...{ memory: 214 * 2 ** 20, cpu: 0.31, connections: null, restarts: 0 },
        },
        ...[58, 61, 55].map((connections, at) => ({
          ...{ name: `worker ${at + 1}`, does: "intake", memory: (96 - at) * 2 ** 20, cpu: 0.12 },
          ...{ connections, restarts: at === 2 ? 1 : 0 },
        })),
      ],
    }),
    doctor: () => ({
      checks: [
        { name: "store", level: "ok", message: "The store answers in 1.9 ms." },
        { name: "durability", level: "ok", message: "What was answered 202 survives a power cut." },
        { name: "keys", level: "note", message: '1 key has not been used since the start: "old partner".' },
        status().destinations.some(({ lastStatus }) => lastStatus === 503)
          ? { name: "receivers", level: "wrong", message: "billing answers 503." }
          : { name: "receivers", level: "ok", message: "All of them take events." },
      ],
    }),
  }

  return {
    answers,
    /** Moves what runs on, and puts it into a status. */
    with: (now: Status): Status => {
      jobs = jobs.map(stepOf)
      const counts: Record<string, number> = {}
      for (const { destination } of letters) counts[destination] = (counts[destination] ?? 0) + 1
      return { ...now, jobs, deadLetters: Object.keys(now.deadLetters).length === 0 ? {} : counts }
    },
    /** As somebody else would, in another window. */
    changeElsewhere: (id: string): void => {
      const config = configOf(id)
      const filter = { ...(config.config["filter"] as object), sample: 0.5 }
      configs.set(id, { ...config, config: { ...config.config, filter }, revision: "99" })
    },
  }
}
